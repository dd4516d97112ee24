"""Plan a test run, execute its programs, judge their histories and merge the results into verdicts."""
