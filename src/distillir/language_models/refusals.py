"""Reasons behind a server's error: an unknown setting, an empty account, a policy, or this one text."""

import re
from collections.abc import Mapping
from typing import Any

# "Unsupported parameter", "does not support", "Unrecognized request argument supplied", "extra fields not permitted".
_UNSUPPORTED = re.compile(
    r"unsupported|not supported|(does|do) not (support|allow)|unrecogni[sz]ed|unknown (parameter|argument|field|name)"
    r"|not permitted|not allowed|unexpected (keyword|parameter|field)|greater than max allowed|invalid value",
    re.IGNORECASE,
)
_TOO_LONG = re.compile(r"context.{0,3}(length|window|size)|maximum context|too (long|large|many tokens)", re.IGNORECASE)
_NO_MODEL = re.compile(r"model\b.{0,120}?\b(not found|does not exist|not available|unknown)", re.IGNORECASE | re.DOTALL)
_CODES = {"unsupported_parameter", "unsupported_value", "unknown_parameter", "invalid_value"}
_NO_MONEY = {"insufficient_quota", "billing_hard_limit_reached", "billing_not_active", "credit_balance_too_low"}
_POLICY = {"content_filter", "content_policy_violation", "contentfilter", "moderation_blocked"}


def error_body(error: Exception) -> Mapping[str, Any]:
    """The error of a response's body, as far as it has the usual form."""
    body = getattr(error, "body", None)
    if isinstance(body, Mapping) and isinstance(body.get("error"), Mapping):
        body = body["error"]
    return body if isinstance(body, Mapping) else {}


def refused_parameter(error: Exception, names: Mapping[str, Any]) -> str | None:
    """The parameter that no call may hold; None where the error is about something else.

    Args:
        error: Of status 400 or 422.
        names: The parameters of the call.
    """
    body, text = error_body(error), str(error)
    if _TOO_LONG.search(text) or not (body.get("code") in _CODES or _UNSUPPORTED.search(text)):
        return None
    named = str(body.get("param") or "").split(".")[0]
    if named in names:
        return named
    # The one that is named first: the other may be what it should be.
    places = {name: found.start() for name in names if (found := re.search(rf"\b{re.escape(name)}\b", text))}
    return min(places, key=lambda name: places[name]) if places else None


def unknown_model(error: Exception) -> bool:
    """Tell whether the server does not have the model."""
    return error_body(error).get("code") in {"model_not_found", "invalid_model"} or bool(_NO_MODEL.search(str(error)))


def out_of_money(error: Exception) -> bool:
    """Tell whether the account is empty (402 at some providers, 400 or 429 at others): waiting will not help."""
    body = error_body(error)
    known = getattr(error, "status_code", 0) == 402 or {body.get("code"), body.get("type")} & _NO_MONEY
    return bool(known) or "credit balance is too low" in str(error).lower()


def against_policy(error: Exception) -> bool:
    """Tell whether the model's provider refuses this text for its content, however often it is asked."""
    body = error_body(error)
    codes = {str(body.get("code")).lower(), str(body.get("type")).lower()}
    return bool(codes & _POLICY) or "flagged by" in str(error).lower() or "content management policy" in str(error)


def too_long(error: Exception) -> bool:
    """Tell whether the text passes what the model or the server reads."""
    return getattr(error, "status_code", 0) == 413 or bool(_TOO_LONG.search(str(error)))
