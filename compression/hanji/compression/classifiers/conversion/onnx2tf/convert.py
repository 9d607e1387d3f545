"""Converts an ONNX file to a float TFLite file. Run by the Python of the converter's own environment.

    python convert.py MODEL.onnx DIRECTORY [INPUT]

Writes DIRECTORY/MODEL_float32.tflite. INPUT is the name of an input whose channels are last already; others
are taken as channels first and become channels last. Exits with 1 and the reason as the last line of stderr
if it cannot.
"""

import sys

import onnx2tf


def main(source: str, directory: str, *kept: str) -> None:
    """Convert ``source``; SystemExit with the reason if onnx2tf fails."""
    try:
        onnx2tf.convert(
            input_onnx_file_path=source,
            output_folder_path=directory,
            tflite_backend="flatbuffer_direct",
            copy_onnx_input_output_names_to_tflite=True,
            keep_shape_absolutely_input_names=list(kept) or None,
            not_use_onnxsim=True,
            not_use_opname_auto_generate=True,
            non_verbose=True,
        )
    except (Exception, SystemExit) as error:  # noqa: BLE001 - whatever it is, it is the reason
        reason = " ".join(str(error).split()) or type(error).__name__
        sys.exit(f"\n{reason}")


if __name__ == "__main__":
    main(*sys.argv[1:])
