"""Which ``.tflite`` files run in the engines that are older than the converter.

tflite-runtime 2.14 is the only engine with a wheel for a 32-bit Raspberry Pi. TensorFlow Lite 2.20 is the
newest one on Maven Central with a native library for Android. Both reject a file with an operator, or an
operator version, that they do not support. The tables below were obtained by trying every version of every
operator; tests/pi and tests/android verify them.
"""

from __future__ import annotations

from collections.abc import Mapping

from tensorflow.lite.python import schema_py_generated as schema

from hanji.export.formats.tflite import FIRST_LITERT, oldest_litert
from hanji.export.formats.tflite_graph import KIND_NAMES, opened
from hanji.runtime.engines.versions import installed_version
from hanji.runtime.manifest import EngineRequirement
from hanji.training.progress import logger

OLDEST_TFLITE_RUNTIME = "2.14.0"
OLDEST_TENSORFLOW_LITE = "2.20.0"
_BY_NEWEST_VERSION = {
    1: (
        "ADD_N ASSIGN_VARIABLE ATAN2 BITCAST BITWISE_XOR BROADCAST_ARGS BUCKETIZE CALL_ONCE CEIL "
        "COMPLEX_ABS CONV_3D CONV_3D_TRANSPOSE COS CUMSUM DENSIFY DYNAMIC_UPDATE_SLICE ELU "
        "EMBEDDING_LOOKUP_SPARSE EXPAND_DIMS FLOOR HARD_SWISH HASHTABLE HASHTABLE_FIND HASHTABLE_IMPORT "
        "HASHTABLE_LOOKUP HASHTABLE_SIZE IF IMAG L2_POOL_2D LOCAL_RESPONSE_NORMALIZATION LOG LOGICAL_AND "
        "LOGICAL_NOT LOGICAL_OR LSH_PROJECTION MATRIX_DIAG MATRIX_SET_DIAG MULTINOMIAL NEG "
        "NON_MAX_SUPPRESSION_V4 NON_MAX_SUPPRESSION_V5 ONE_HOT POW PRELU RANDOM_STANDARD_NORMAL "
        "RANDOM_UNIFORM RANK READ_VARIABLE REAL REDUCE_ALL REDUCE_ANY RELU_0_TO_1 RELU_N1_TO_1 RESHAPE "
        "REVERSE_SEQUENCE RFFT2D RIGHT_SHIFT ROUND SCATTER_ND SEGMENT_SUM SHAPE SIN SKIP_GRAM SQRT SQUARE "
        "UNIQUE UNSORTED_SEGMENT_MAX UNSORTED_SEGMENT_MIN UNSORTED_SEGMENT_PROD UNSORTED_SEGMENT_SUM "
        "VAR_HANDLE WHILE ZEROS_LIKE"
    ),
    2: (
        "DEPTH_TO_SPACE DIV EXP FAKE_QUANT FLOOR_MOD GELU GREATER L2_NORMALIZATION LEAKY_RELU LESS_EQUAL "
        "LOG_SOFTMAX RANGE REDUCE_PROD RSQRT SELECT_V2 SIGN SPACE_TO_DEPTH SPLIT_V SQUARED_DIFFERENCE "
        "SQUEEZE SUM WHERE"
    ),
    3: (
        "ARG_MAX ARG_MIN AVERAGE_POOL_2D BIDIRECTIONAL_SEQUENCE_LSTM BIDIRECTIONAL_SEQUENCE_RNN "
        "BROADCAST_TO EMBEDDING_LOOKUP FLOOR_DIV GREATER_EQUAL LESS LOGISTIC MAX_POOL_2D MEAN MIRROR_PAD "
        "NOT_EQUAL QUANTIZE REDUCE_MAX REDUCE_MIN RELU RELU6 REVERSE_V2 RNN SOFTMAX SPARSE_TO_DENSE TANH "
        "TILE TOPK_V2 UNIDIRECTIONAL_SEQUENCE_RNN"
    ),
    4: (
        "BATCH_MATMUL BATCH_TO_SPACE_ND CONCATENATION EQUAL FILL GATHER_ND LSTM MAXIMUM MINIMUM PACK PAD "
        "PADV2 RESIZE_BILINEAR RESIZE_NEAREST_NEIGHBOR SELECT SPACE_TO_BATCH_ND SPLIT SVDF TRANSPOSE_CONV "
        "UNIDIRECTIONAL_SEQUENCE_LSTM UNPACK"
    ),
    5: ("ABS ADD CAST DEQUANTIZE SUB"),
    6: ("GATHER SLICE TRANSPOSE"),
    7: ("CONV_2D DEPTHWISE_CONV_2D MUL"),
    8: ("STRIDED_SLICE"),
    10: ("FULLY_CONNECTED"),
}
NEWEST_VERSIONS: dict[str, int] = {
    name: version for version, names in _BY_NEWEST_VERSION.items() for name in names.split()
}
"""The newest version of each operator that tflite-runtime 2.14 supports, by schema name. Older versions are
supported as well, except version 1 of BROADCAST_TO, which converters no longer write."""


TENSORFLOW_LITE_VERSIONS: dict[str, int] = {
    **NEWEST_VERSIONS,
    **{"CAST": 7, "CONV_2D": 8, "DEQUANTIZE": 6, "DILATE": 1, "DYNAMIC_UPDATE_SLICE": 4},
    **{"EMBEDDING_LOOKUP": 4, "FULLY_CONNECTED": 13, "GATHER": 7, "GATHER_ND": 5, "LOG": 2, "PAD": 5},
    **{"PADV2": 5, "REDUCE_WINDOW": 1, "RSQRT": 3, "TRANSPOSE": 7, "TRANSPOSE_CONV": 5},
}
"""The same for TensorFlow Lite 2.20, without the operators of StableHLO, which bundles do not have."""


def unknown_operators(content: bytes, newest_versions: Mapping[str, int]) -> list[str]:
    """Descriptions of the operators of a ``.tflite`` file that are not in a table; empty if all are."""
    model, _ = opened(content)
    found = []
    for code in model.operatorCodes:
        kind = max(code.builtinCode, code.deprecatedBuiltinCode)
        name = KIND_NAMES.get(kind, f"operator {kind}")
        if kind == schema.BuiltinOperator.CUSTOM:
            found.append(f"the custom operator {code.customCode.decode()}")
        elif name not in newest_versions:
            found.append(name)
        elif code.version > newest_versions[name]:
            found.append(f"{name} version {code.version} (supported up to {newest_versions[name]})")
    return sorted(found)


def tflite_engines(content: bytes) -> tuple[EngineRequirement, ...]:
    """The engines that run a ``.tflite`` file, for the manifest; logs why tflite-runtime does not."""
    oldest = oldest_litert(content, installed_version("ai-edge-litert") or FIRST_LITERT)
    engines = [EngineRequirement("litert", oldest)]
    unknown = unknown_operators(content, NEWEST_VERSIONS)
    if unknown:
        logger.info(
            f"tflite: does not run in tflite-runtime {OLDEST_TFLITE_RUNTIME}, the engine for a 32-bit "
            f"Raspberry Pi, which does not support {', '.join(unknown)}"
        )
    else:
        engines.append(EngineRequirement("tflite-runtime", OLDEST_TFLITE_RUNTIME))
    if not unknown_operators(content, TENSORFLOW_LITE_VERSIONS):
        engines.append(EngineRequirement("tensorflow-lite", OLDEST_TENSORFLOW_LITE))
    return tuple(engines)


__all__ = ["NEWEST_VERSIONS", "TENSORFLOW_LITE_VERSIONS", "tflite_engines", "unknown_operators"]
