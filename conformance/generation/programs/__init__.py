"""Multi-step programs: what is done to a target, one after the other. They assert nothing; rules judge what came of them."""
