"""Image classifiers that were trained elsewhere: Keras files and SavedModels."""
