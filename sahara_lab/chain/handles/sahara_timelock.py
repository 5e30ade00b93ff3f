"""The DAO's hands: treasury, holder of every class of action, and the delay in which anyone can leave.

Made from the ABI and NatSpec of SaharaTimelock by contracts/tools/handles.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from sahara_lab.chain.handle import Handle, View
from sahara_lab.chain.orders import Call


class CallExecuted(NamedTuple):
    """``CallExecuted(bytes32,uint256,address,uint256,bytes)``."""

    id: bytes
    index_: int
    target: str
    value: int
    data: bytes


class CallSalt(NamedTuple):
    """``CallSalt(bytes32,bytes32)``."""

    id: bytes
    salt: bytes


class CallScheduled(NamedTuple):
    """``CallScheduled(bytes32,uint256,address,uint256,bytes,bytes32,uint256)``."""

    id: bytes
    index_: int
    target: str
    value: int
    data: bytes
    predecessor: bytes
    delay: int


class Cancelled(NamedTuple):
    """``Cancelled(bytes32)``."""

    id: bytes


class MinDelayChange(NamedTuple):
    """``MinDelayChange(uint256,uint256)``."""

    old_duration: int
    new_duration: int


class RoleAdminChanged(NamedTuple):
    """``RoleAdminChanged(bytes32,bytes32,bytes32)``."""

    role: bytes
    previous_admin_role: bytes
    new_admin_role: bytes


class RoleGranted(NamedTuple):
    """``RoleGranted(bytes32,address,address)``."""

    role: bytes
    account: str
    sender: str


class RoleRevoked(NamedTuple):
    """``RoleRevoked(bytes32,address,address)``."""

    role: bytes
    account: str
    sender: str


class SaharaTimelock(Handle):
    """The DAO's hands: treasury, holder of every class of action, and the delay in which anyone can leave."""

    CONTRACT = "SaharaTimelock"

    def ACCESS(self) -> View[str]:
        """``ACCESS()``."""
        return View(self, "ACCESS()")

    def CANCELLER_ROLE(self) -> View[bytes]:
        """``CANCELLER_ROLE()``."""
        return View(self, "CANCELLER_ROLE()")

    def DEFAULT_ADMIN_ROLE(self) -> View[bytes]:
        """``DEFAULT_ADMIN_ROLE()``."""
        return View(self, "DEFAULT_ADMIN_ROLE()")

    def EXECUTOR_ROLE(self) -> View[bytes]:
        """``EXECUTOR_ROLE()``."""
        return View(self, "EXECUTOR_ROLE()")

    def FLOOR(self) -> View[int]:
        """The delay can never be voted below the one of deployment."""
        return View(self, "FLOOR()")

    def GOVERNOR(self) -> View[str]:
        """``GOVERNOR()``."""
        return View(self, "GOVERNOR()")

    def GUARDIAN(self) -> View[str]:
        """Who may cancel what waits before `SUNSET`; zero for nobody."""
        return View(self, "GUARDIAN()")

    def MAX_DELAY(self) -> View[int]:
        """No delay, of any class, is longer: a longer one could freeze the DAO for good."""
        return View(self, "MAX_DELAY()")

    def MAX_GUARDIAN_TERM(self) -> View[int]:
        """The guardian retires after this at the latest."""
        return View(self, "MAX_GUARDIAN_TERM()")

    def PROPOSER_ROLE(self) -> View[bytes]:
        """``PROPOSER_ROLE()``."""
        return View(self, "PROPOSER_ROLE()")

    def SUNSET(self) -> View[int]:
        """Seconds of block time from which the guardian may nothing."""
        return View(self, "SUNSET()")

    def cancel(self, id: bytes) -> Call:
        """Cancels what waits: the governor, or the guardian before the sunset."""
        return Call(self.contract, "cancel", (id,))

    def delay_for(self, targets: Sequence[str], payloads: Sequence[bytes]) -> View[int]:
        """Seconds that a batch waits: as long as the call of it that waits longest."""
        return View(self, "delayFor(address[],bytes[])", targets, payloads)

    def delay_of(self, target: str, data: bytes) -> View[int]:
        """Seconds that a call waits. Whatever touches roles, votes or this contract waits longest, so that
        nothing can be moved into a class that waits less and be done at once.
        """
        return View(self, "delayOf(address,bytes)", target, data)

    def execute(self, target: str, value: int, payload: bytes, predecessor: bytes, salt: bytes) -> Call:
        """``execute(address,uint256,bytes,bytes32,bytes32)``."""
        return Call(self.contract, "execute", (target, value, payload, predecessor, salt))

    def execute_batch(
        self, targets: Sequence[str], values: Sequence[int], payloads: Sequence[bytes], predecessor: bytes, salt: bytes
    ) -> Call:
        """``executeBatch(address[],uint256[],bytes[],bytes32,bytes32)``."""
        return Call(self.contract, "executeBatch", (targets, values, payloads, predecessor, salt))

    def get_min_delay(self) -> View[int]:
        """``getMinDelay()``."""
        return View(self, "getMinDelay()")

    def get_operation_state(self, id: bytes) -> View[int]:
        """``getOperationState(bytes32)``."""
        return View(self, "getOperationState(bytes32)", id)

    def get_role_admin(self, role: bytes) -> View[bytes]:
        """``getRoleAdmin(bytes32)``."""
        return View(self, "getRoleAdmin(bytes32)", role)

    def get_timestamp(self, id: bytes) -> View[int]:
        """``getTimestamp(bytes32)``."""
        return View(self, "getTimestamp(bytes32)", id)

    def grant_role(self, role: bytes, account: str) -> Call:
        """``grantRole(bytes32,address)``."""
        return Call(self.contract, "grantRole", (role, account))

    def has_role(self, role: bytes, account: str) -> View[bool]:
        """``hasRole(bytes32,address)``."""
        return View(self, "hasRole(bytes32,address)", role, account)

    def hash_operation(self, target: str, value: int, data: bytes, predecessor: bytes, salt: bytes) -> View[bytes]:
        """``hashOperation(address,uint256,bytes,bytes32,bytes32)``."""
        return View(
            self, "hashOperation(address,uint256,bytes,bytes32,bytes32)", target, value, data, predecessor, salt
        )

    def hash_operation_batch(
        self, targets: Sequence[str], values: Sequence[int], payloads: Sequence[bytes], predecessor: bytes, salt: bytes
    ) -> View[bytes]:
        """``hashOperationBatch(address[],uint256[],bytes[],bytes32,bytes32)``."""
        return View(
            self,
            "hashOperationBatch(address[],uint256[],bytes[],bytes32,bytes32)",
            targets,
            values,
            payloads,
            predecessor,
            salt,
        )

    def is_operation(self, id: bytes) -> View[bool]:
        """``isOperation(bytes32)``."""
        return View(self, "isOperation(bytes32)", id)

    def is_operation_done(self, id: bytes) -> View[bool]:
        """``isOperationDone(bytes32)``."""
        return View(self, "isOperationDone(bytes32)", id)

    def is_operation_pending(self, id: bytes) -> View[bool]:
        """``isOperationPending(bytes32)``."""
        return View(self, "isOperationPending(bytes32)", id)

    def is_operation_ready(self, id: bytes) -> View[bool]:
        """``isOperationReady(bytes32)``."""
        return View(self, "isOperationReady(bytes32)", id)

    def on_erc1155_batch_received(
        self, arg0: str, arg1: str, arg2: Sequence[int], arg3: Sequence[int], arg4: bytes
    ) -> Call:
        """``onERC1155BatchReceived(address,address,uint256[],uint256[],bytes)``."""
        return Call(self.contract, "onERC1155BatchReceived", (arg0, arg1, arg2, arg3, arg4))

    def on_erc1155_received(self, arg0: str, arg1: str, arg2: int, arg3: int, arg4: bytes) -> Call:
        """``onERC1155Received(address,address,uint256,uint256,bytes)``."""
        return Call(self.contract, "onERC1155Received", (arg0, arg1, arg2, arg3, arg4))

    def on_erc721_received(self, arg0: str, arg1: str, arg2: int, arg3: bytes) -> Call:
        """``onERC721Received(address,address,uint256,bytes)``."""
        return Call(self.contract, "onERC721Received", (arg0, arg1, arg2, arg3))

    def renounce_role(self, role: bytes, caller_confirmation: str) -> Call:
        """``renounceRole(bytes32,address)``."""
        return Call(self.contract, "renounceRole", (role, caller_confirmation))

    def revoke_role(self, role: bytes, account: str) -> Call:
        """``revokeRole(bytes32,address)``."""
        return Call(self.contract, "revokeRole", (role, account))

    def schedule(self, target: str, value: int, data: bytes, predecessor: bytes, salt: bytes, delay: int) -> Call:
        """``schedule(address,uint256,bytes,bytes32,bytes32,uint256)``."""
        return Call(self.contract, "schedule", (target, value, data, predecessor, salt, delay))

    def schedule_batch(
        self,
        targets: Sequence[str],
        values: Sequence[int],
        payloads: Sequence[bytes],
        predecessor: bytes,
        salt: bytes,
        delay: int,
    ) -> Call:
        """``scheduleBatch(address[],uint256[],bytes[],bytes32,bytes32,uint256)``."""
        return Call(self.contract, "scheduleBatch", (targets, values, payloads, predecessor, salt, delay))

    def supports_interface(self, interface_id: bytes) -> View[bool]:
        """``supportsInterface(bytes4)``."""
        return View(self, "supportsInterface(bytes4)", interface_id)

    def update_delay(self, new_delay: int) -> Call:
        """``updateDelay(uint256)``."""
        return Call(self.contract, "updateDelay", (new_delay,))
