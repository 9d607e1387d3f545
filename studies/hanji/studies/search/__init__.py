"""`hanji search`: the best recipe of a space that keeps a budget, cheapest measurements first."""
