from .budget import Budget as Budget
from .comparison import Comparison as Comparison
from .comparison import compare as compare
from .search.run import find_recipe as find_recipe
from .search.space import read_space as read_space
from .study import Study as Study
from .study import read_study as read_study
