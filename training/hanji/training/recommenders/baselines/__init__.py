"""Reference recommenders without gradient training: what anything deeper has to beat.

All of them answer from a history alone, so they know people whom training never saw.
"""
