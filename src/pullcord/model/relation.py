"""The link relations that pullcord knows (RFC 8288): what a next step is to the work. Manifests may name others."""

import re

REL = re.compile(r"[a-z][a-z0-9-]{0,31}")
"""A relation as it is taken from a manifest or a platform: a lower-case word."""

SELF = "self"
"""A look at the work itself."""
CANCEL = "cancel"
"""A stop."""
TERMINATE = "terminate"
"""A stronger stop, such as kill."""
ITEM = "item"
"""A look at an item of a list."""
AWAY = frozenset({"up", "collection"})
"""Looks away from the work: at what holds it, and at others like it."""
RELATED = "related"
"""A look that may concern the same work, elsewhere (RFC 4287, section 4.2.7.2)."""
NEXT = "next"
"""The next page of a list."""
RETRY = "retry"
"""The same call again, now or with other arguments."""
RETRY_LATER = "retry-later"
"""The same call again, after a while."""
AUTHORIZE = "authorize"
"""What a person must do before the call can be made."""
