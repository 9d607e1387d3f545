"""`hanji search`: the best recipe of a search space within a budget, cheapest measurements first."""
