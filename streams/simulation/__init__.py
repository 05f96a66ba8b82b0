"""A simulated book: what each account is meant to become (plan), and the events that follow from it (life, outside).

Nothing here knows the policy, its triggers or its thresholds.
"""
