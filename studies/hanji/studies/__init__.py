"""Studies: many recipes on one model and one data set, measured alike, and searches under a budget."""
