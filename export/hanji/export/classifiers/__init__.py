"""Export of picture classifiers: the same stages as for recommenders, one module each."""
