"""Training one model in several processes: who they are, how they meet, and how they are started."""
