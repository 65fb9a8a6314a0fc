"""What a site asks of the user before it gives a video: recognised in its words, with the mend."""

import re

_BOT_WALL = re.compile(
    r"not a (ro)?bot|captcha|cloudflare|anti-bot|unusual traffic|automated (requests|queries)"
    r"|fresh cookies",
    re.IGNORECASE,
)
_LOGIN = re.compile(
    r"sign(ed)?[ -]in|log(ged|ging)?[ -]?in(to)?\b|cookies|registered users|members|premium"
    r"|authenticat|age.?restrict|HTTP Error 401",
    re.IGNORECASE,
)
# Whoever was granted access may log in, but nobody else: for a collection it is gone.
_PRIVATE = re.compile(r"private (video|favorites|playlist|list)", re.IGNORECASE)
_COUNTRY = re.compile(r"(in|from) your (country|location|region)|geo.?restrict", re.IGNORECASE)


def mend_of(reason: str, *, with_cookies: bool) -> str:
    """What the user has to do before a new try can help; empty when there is nothing.

    Args:
        reason: the site's words.
        with_cookies: whether it was asked with cookies already.
    """
    if _BOT_WALL.search(reason):
        todo = "export them anew" if with_cookies else "set cookies_file to a browser's cookies"
        return (
            f"the site takes this for a robot: wait an hour, {todo}, or set proxy, in config.yaml"
        )
    if _PRIVATE.search(reason):
        return ""
    if _LOGIN.search(reason):
        if with_cookies:
            return (
                "it wants a login, and the cookies in cookies_file are none or too old: renew them"
            )
        return (
            "it wants a login: set cookies_file in config.yaml to the cookies of a browser with one"
        )
    if _COUNTRY.search(reason):
        return "it is closed to this country: set proxy in config.yaml to one elsewhere"
    return ""
