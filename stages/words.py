"""Numbers as reports say them."""


def percent(share: float) -> str:
    """Like `97.74 %`."""
    return f"{100 * share:.2f} %".replace("-", "−")


def counted(count: int, noun: str) -> str:
    """Like `1 seed` and `5 seeds`."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def power(value: float) -> str:
    """Like `10⁻⁶` and `7·10⁻⁵`."""
    if value == 0:
        return "0"
    digits, exponent = f"{value:.0e}".split("e")
    power = "10" + str(int(exponent)).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))
    return power if digits == "1" else f"{digits}·{power}"


def rounded(value: float) -> str:
    """In two digits, like `0.062` and `740`; far from 1 a power of ten."""
    if value != 0 and not 1e-3 <= abs(value) < 1e5:
        return power(value)
    return f"{float(f'{value:.2g}'):g}"
