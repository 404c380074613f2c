from table import LATE

WARN_FROM = 0.2  # from here on a warning pays, says requirement R2


def probability(hour):
    return LATE.get(hour, 0.0)


def warn(hour):
    return probability(hour) >= WARN_FROM
