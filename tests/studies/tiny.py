"""Recipes of both tasks that train in seconds, for tests of whole studies and searches."""

IMAGES = """
name = "tiny"
task = "image-classification"
[data]
name = "digits"
format = "digits"
[model]
type = "mobilenet-v1"
stem_channels = 16
stem_stride = 1
channels = [32]
blocks = [1]
strides = [1]
[training]
epochs = 2
batch_size = 64
optimizer = "adam"
learning_rate = 0.004
"""
RATINGS = """
name = "tiny"
[data]
format = "synthetic"
synthetic_users = 200
synthetic_order = 0.0
synthetic_items = 200
synthetic_interactions_per_user = 20
[model]
type = "history"
embedding_size = 16
hidden_units = []
user_units = 8
[training]
epochs = 3
batch_size = 64
pretraining_epochs = 2
"""
