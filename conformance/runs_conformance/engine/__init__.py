"""Plans, plays, judges and folds: from programs and rules to verdicts."""
