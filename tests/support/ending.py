"""finish_all: ends all processes of a test, and reports those that failed."""


def finish_all(processes):
    """Calls finish() of each, in this order, even if an earlier one failed. Returns a text for each failure."""
    failures = []
    for one in processes:
        try:
            one.finish()
        except AssertionError as failure:
            failures.append(str(failure))
    return failures
