"""Settings of a run: taken from its request, its assistant or the defaults, and fixed from then on."""
