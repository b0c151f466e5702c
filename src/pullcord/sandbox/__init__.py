"""Three agent platforms in memory, over real HTTP on loopback, to try and test pullcord without an account.

Each platform speaks its own dialect and keeps its own traps. Nothing of pullcord proper is imported here: the
sandbox knows the platforms only as a stranger to the client would.
"""

from pullcord.sandbox.app import Arrival, Sandbox
from pullcord.sandbox.serve import running
from pullcord.sandbox.world import CONFIDENTIAL, Clock

__all__ = ["CONFIDENTIAL", "Arrival", "Clock", "Sandbox", "running"]
