"""finish_all: ends processes of a test, every one of them, and says which ended badly."""


def finish_all(processes):
    """Calls finish() of each, in this order, even if another of them ended badly. Returns what was wrong, a text each."""
    failures = []
    for one in processes:
        try:
            one.finish()
        except AssertionError as failure:
            failures.append(str(failure))
    return failures
