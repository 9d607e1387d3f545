"""From a trained model to a smaller one: distillation, pruning and quantization, by recipe."""
