"""Train, compress, export, evaluate and use a recommender, from arrays in memory to recommendations."""

import numpy as np

from hanji.compression import Distil, Quantize, Recipe, compress
from hanji.export import evaluate, export_bundle
from hanji.runtime import Recommender
from hanji.training import Dataset, ModelConfig, TrainingConfig, train

users = np.arange(10_000) % 500
items = 5 * np.random.default_rng(0).integers(60, size=10_000) + users % 5  # each user likes one item in 5
dataset = Dataset.from_arrays(users, items, timestamps=np.arange(10_000))
model = ModelConfig("history", embedding_size=32, hidden_units=())
trained = train(dataset, model, TrainingConfig(epochs=5, batch_size=64))
recipe = Recipe("small", (Distil(embedding_size=16, hidden_units=(), epochs=5), Quantize("int8-rows")))
export_bundle(compress(trained, recipe, dataset), "out/python-api", replace=True)
print(evaluate("out/python-api", dataset))
with Recommender.open("out/python-api") as recommender:
    print([row.item for row in recommender.recommend(history=[3, 13, 23], k=5)])
