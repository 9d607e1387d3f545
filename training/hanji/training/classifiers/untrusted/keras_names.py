"""What a Keras file may name: built-in layers of image networks, and functions without effects.

Missing on purpose: Lambda, TFSMLayer, TorchModuleWrapper, JaxLayer and FlaxLayer, which call code; the layers
with vocabularies (StringLookup, TextVectorization and others), which read files that the config names.
"""

from __future__ import annotations

_PER_DIMENSION = (
    *("AdaptiveAveragePooling", "AdaptiveMaxPooling", "AveragePooling", "AvgPool", "Conv", "ConvLSTM"),
    *("Convolution", "Cropping", "GlobalAveragePooling", "GlobalAvgPool", "GlobalMaxPool"),
    *("GlobalMaxPooling", "MaxPool", "MaxPooling", "SpatialDropout", "UpSampling", "ZeroPadding"),
    *("DepthwiseConv", "SeparableConv", "SeparableConvolution", "LocallyConnected"),
)
_TRANSPOSED = ("Conv1DTranspose", "Conv2DTranspose", "Conv3DTranspose", "Convolution2DTranspose")
_RANDOM = (
    *("Brightness", "ColorDegeneration", "ColorJitter", "Contrast", "Crop", "ElasticTransform", "Erasing"),
    *("Flip", "GaussianBlur", "Grayscale", "Height", "Hue", "Invert", "Perspective", "Posterization"),
    *("Rotation", "Saturation", "Sharpness", "Shear", "Translation", "Width", "Zoom"),
)
LAYERS = frozenset(
    [
        *(f"{name}{dimensions}D" for name in _PER_DIMENSION for dimensions in (1, 2, 3)),
        *_TRANSPOSED,
        *(f"Random{name}" for name in _RANDOM),
        *("Activation", "ActivityRegularization", "Add", "AdditiveAttention", "AlphaDropout", "Attention"),
        *("AugMix", "AutoContrast", "Average", "BatchNormalization", "Bidirectional", "CategoryEncoding"),
        *("CenterCrop", "Concatenate", "CutMix", "Dense", "Discretization", "Dot", "Dropout", "ELU"),
        *("EinsumDense", "Embedding", "Equalization", "Flatten", "GRU", "GRUCell", "GaussianDropout"),
        *("GaussianNoise", "GroupNormalization", "GroupQueryAttention", "Identity", "InputLayer", "LSTM"),
        *("LSTMCell", "LayerNormalization", "LeakyReLU", "Masking", "Maximum", "Minimum", "MixUp"),
        *("MultiHeadAttention", "Multiply", "Normalization", "PReLU", "Permute", "RMSNormalization", "RNN"),
        *("RandAugment", "ReLU", "RepeatVector", "Rescaling", "Reshape", "Resizing", "SimpleRNN"),
        *("SimpleRNNCell", "Softmax", "Solarization", "SpectralNormalization", "StackedRNNCells"),
        *("SyncBatchNormalization", "Subtract", "ThresholdedReLU", "TimeDistributed", "UnitNormalization"),
        *("TFOpLambda", "SlicingOpLambda"),  # TensorFlow's functions on Keras tensors; see FUNCTIONS
    ]
)
OWN_LAYERS = ("HardSwish", "MeanOfBoth", "WithMirror")
MODELS = frozenset(["Functional", "Model", "Sequential"])
VALUES = frozenset(
    [
        *("__bytes__", "__ellipsis__", "__keras_tensor__", "__numpy__", "__tensor__", "__tuple__"),
        *("DTypePolicy", "FloatDTypePolicy", "Policy", "QuantizedDTypePolicy", "TensorShape", "slice"),
    ]
)
LEARNING = ("initializers", "regularizers", "constraints", "optimizers", "losses", "metrics")
"""Modules of Keras whose classes are all allowed: none of them takes a path or code."""

PLAIN_FUNCTIONS = ("activations", "losses", "metrics", "regularizers", "initializers")
"""Modules of Keras whose functions may be named."""

OPERATIONS = ("keras.ops.", "keras.src.ops.")
"""Modules of Keras 3 with operations as classes."""

NAMESPACES = ("math.", "nn.", "__operators__.", "linalg.", "bitwise.")
"""TensorFlow's namespaces of functions without effects that TFOpLambda may call."""

FUNCTIONS = frozenset(
    [
        *("abs", "add", "argmax", "argmin", "broadcast_to", "cast", "clip_by_value", "concat", "constant"),
        *("convert_to_tensor", "cumsum", "divide", "einsum", "equal", "exp", "expand_dims", "eye", "fill"),
        *("floor", "gather", "gather_nd", "identity", "less", "greater", "logical_and", "logical_not"),
        *("logical_or", "matmul", "maximum", "minimum", "multiply", "negative", "norm", "not_equal"),
        *("one_hot", "ones", "ones_like", "pad", "pow", "range", "rank", "realdiv", "reduce_all"),
        *("reduce_any", "reduce_logsumexp", "reduce_max", "reduce_mean", "reduce_min", "reduce_prod"),
        *("reduce_sum", "repeat", "reshape", "reverse", "round", "shape", "sigmoid", "sign", "size", "slice"),
        *("split", "sqrt", "square", "squeeze", "stack", "stop_gradient", "strided_slice", "subtract"),
        *("tanh", "tensordot", "tile", "transpose", "truediv", "unstack", "where", "zeros", "zeros_like"),
        *("depth_to_space", "space_to_depth", "batch_to_space", "space_to_batch"),
        *(
            "image.resize",
            "image.resize_with_pad",
            "image.per_image_standardization",
            "image.rgb_to_grayscale",
        ),
        *("image.grayscale_to_rgb", "image.central_crop", "image.convert_image_dtype"),
        *("keras.activations.relu", "keras.activations.softmax", "keras.activations.sigmoid"),
    ]
)

__all__ = [
    "FUNCTIONS",
    "LAYERS",
    "LEARNING",
    "MODELS",
    "NAMESPACES",
    "OPERATIONS",
    "OWN_LAYERS",
    "PLAIN_FUNCTIONS",
    "VALUES",
]
