"""The core: ``step`` decides, ``evolve`` folds, ``react`` names effects, ``unsettled`` asks."""
