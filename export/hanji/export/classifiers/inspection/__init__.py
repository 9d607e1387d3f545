"""`hanji inspect`: what a model file is, without converting anything or running code in it."""
