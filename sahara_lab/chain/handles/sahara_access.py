"""The one authority over governed contracts.

Made from the ABI and NatSpec of SaharaAccess by contracts/tools/handles.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from sahara_lab.chain.handle import Handle, View
from sahara_lab.chain.orders import Call


class OperationCanceled(NamedTuple):
    """``OperationCanceled(bytes32,uint32)``."""

    operation_id: bytes
    nonce: int


class OperationExecuted(NamedTuple):
    """``OperationExecuted(bytes32,uint32)``."""

    operation_id: bytes
    nonce: int


class OperationScheduled(NamedTuple):
    """``OperationScheduled(bytes32,uint32,uint48,address,address,bytes)``."""

    operation_id: bytes
    nonce: int
    schedule: int
    caller: str
    target: str
    data: bytes


class RoleAdminChanged(NamedTuple):
    """``RoleAdminChanged(uint64,uint64)``."""

    role_id: int
    admin: int


class RoleGrantDelayChanged(NamedTuple):
    """``RoleGrantDelayChanged(uint64,uint32,uint48)``."""

    role_id: int
    delay: int
    since: int


class RoleGranted(NamedTuple):
    """``RoleGranted(uint64,address,uint32,uint48,bool)``."""

    role_id: int
    account: str
    delay: int
    since: int
    new_member: bool


class RoleGuardianChanged(NamedTuple):
    """``RoleGuardianChanged(uint64,uint64)``."""

    role_id: int
    guardian: int


class RoleLabel(NamedTuple):
    """``RoleLabel(uint64,string)``."""

    role_id: int
    label: str


class RoleRevoked(NamedTuple):
    """``RoleRevoked(uint64,address)``."""

    role_id: int
    account: str


class TargetAdminDelayUpdated(NamedTuple):
    """``TargetAdminDelayUpdated(address,uint32,uint48)``."""

    target: str
    delay: int
    since: int


class TargetClosed(NamedTuple):
    """``TargetClosed(address,bool)``."""

    target: str
    closed: bool


class TargetFunctionRoleUpdated(NamedTuple):
    """``TargetFunctionRoleUpdated(address,bytes4,uint64)``."""

    target: str
    selector: bytes
    role_id: int


class CanCallResult(NamedTuple):
    """What ``canCall(address,address,bytes4)`` gives."""

    immediate: bool
    delay: int


class GetAccessResult(NamedTuple):
    """What ``getAccess(uint64,address)`` gives."""

    since: int
    current_delay: int
    pending_delay: int
    effect: int


class HasRoleResult(NamedTuple):
    """What ``hasRole(uint64,address)`` gives."""

    is_member: bool
    execution_delay: int


class ScheduleResult(NamedTuple):
    """What ``schedule(address,bytes,uint48)`` gives."""

    operation_id: bytes
    nonce: int


class SaharaAccess(Handle):
    """The one authority over governed contracts."""

    CONTRACT = "SaharaAccess"

    def ADMIN_ROLE(self) -> View[int]:
        """``ADMIN_ROLE()``."""
        return View(self, "ADMIN_ROLE()")

    def PUBLIC_ROLE(self) -> View[int]:
        """``PUBLIC_ROLE()``."""
        return View(self, "PUBLIC_ROLE()")

    def can_call(self, caller: str, target: str, selector: bytes) -> View[CanCallResult]:
        """``canCall(address,address,bytes4)``."""
        return View(self, "canCall(address,address,bytes4)", caller, target, selector, result=CanCallResult)

    def cancel(self, caller: str, target: str, data: bytes) -> Call:
        """``cancel(address,address,bytes)``."""
        return Call(self.contract, "cancel", (caller, target, data))

    def consume_scheduled_op(self, caller: str, data: bytes) -> Call:
        """``consumeScheduledOp(address,bytes)``."""
        return Call(self.contract, "consumeScheduledOp", (caller, data))

    def execute(self, target: str, data: bytes) -> Call:
        """``execute(address,bytes)``."""
        return Call(self.contract, "execute", (target, data))

    def expiration(self) -> View[int]:
        """``expiration()``."""
        return View(self, "expiration()")

    def get_access(self, role_id: int, account: str) -> View[GetAccessResult]:
        """``getAccess(uint64,address)``."""
        return View(self, "getAccess(uint64,address)", role_id, account, result=GetAccessResult)

    def get_nonce(self, id: bytes) -> View[int]:
        """``getNonce(bytes32)``."""
        return View(self, "getNonce(bytes32)", id)

    def get_role_admin(self, role_id: int) -> View[int]:
        """``getRoleAdmin(uint64)``."""
        return View(self, "getRoleAdmin(uint64)", role_id)

    def get_role_grant_delay(self, role_id: int) -> View[int]:
        """``getRoleGrantDelay(uint64)``."""
        return View(self, "getRoleGrantDelay(uint64)", role_id)

    def get_role_guardian(self, role_id: int) -> View[int]:
        """``getRoleGuardian(uint64)``."""
        return View(self, "getRoleGuardian(uint64)", role_id)

    def get_schedule(self, id: bytes) -> View[int]:
        """``getSchedule(bytes32)``."""
        return View(self, "getSchedule(bytes32)", id)

    def get_target_admin_delay(self, target: str) -> View[int]:
        """``getTargetAdminDelay(address)``."""
        return View(self, "getTargetAdminDelay(address)", target)

    def get_target_function_role(self, target: str, selector: bytes) -> View[int]:
        """``getTargetFunctionRole(address,bytes4)``."""
        return View(self, "getTargetFunctionRole(address,bytes4)", target, selector)

    def grant_role(self, role_id: int, account: str, execution_delay: int) -> Call:
        """``grantRole(uint64,address,uint32)``."""
        return Call(self.contract, "grantRole", (role_id, account, execution_delay))

    def has_role(self, role_id: int, account: str) -> View[HasRoleResult]:
        """``hasRole(uint64,address)``."""
        return View(self, "hasRole(uint64,address)", role_id, account, result=HasRoleResult)

    def hash_operation(self, caller: str, target: str, data: bytes) -> View[bytes]:
        """``hashOperation(address,address,bytes)``."""
        return View(self, "hashOperation(address,address,bytes)", caller, target, data)

    def is_target_closed(self, target: str) -> View[bool]:
        """``isTargetClosed(address)``."""
        return View(self, "isTargetClosed(address)", target)

    def label_role(self, role_id: int, label: str) -> Call:
        """``labelRole(uint64,string)``."""
        return Call(self.contract, "labelRole", (role_id, label))

    def min_setback(self) -> View[int]:
        """``minSetback()``."""
        return View(self, "minSetback()")

    def multicall(self, data: Sequence[bytes]) -> Call:
        """``multicall(bytes[])``."""
        return Call(self.contract, "multicall", (data,))

    def renounce_role(self, role_id: int, caller_confirmation: str) -> Call:
        """``renounceRole(uint64,address)``."""
        return Call(self.contract, "renounceRole", (role_id, caller_confirmation))

    def revoke_role(self, role_id: int, account: str) -> Call:
        """``revokeRole(uint64,address)``."""
        return Call(self.contract, "revokeRole", (role_id, account))

    def schedule(self, target: str, data: bytes, when: int) -> Call:
        """``schedule(address,bytes,uint48)``."""
        return Call(self.contract, "schedule", (target, data, when))

    def set_grant_delay(self, role_id: int, new_delay: int) -> Call:
        """``setGrantDelay(uint64,uint32)``."""
        return Call(self.contract, "setGrantDelay", (role_id, new_delay))

    def set_role_admin(self, role_id: int, admin: int) -> Call:
        """``setRoleAdmin(uint64,uint64)``."""
        return Call(self.contract, "setRoleAdmin", (role_id, admin))

    def set_role_guardian(self, role_id: int, guardian: int) -> Call:
        """``setRoleGuardian(uint64,uint64)``."""
        return Call(self.contract, "setRoleGuardian", (role_id, guardian))

    def set_target_admin_delay(self, target: str, new_delay: int) -> Call:
        """``setTargetAdminDelay(address,uint32)``."""
        return Call(self.contract, "setTargetAdminDelay", (target, new_delay))

    def set_target_closed(self, target: str, closed: bool) -> Call:
        """``setTargetClosed(address,bool)``."""
        return Call(self.contract, "setTargetClosed", (target, closed))

    def set_target_function_role(self, target: str, selectors: Sequence[bytes], role_id: int) -> Call:
        """``setTargetFunctionRole(address,bytes4[],uint64)``."""
        return Call(self.contract, "setTargetFunctionRole", (target, selectors, role_id))

    def update_authority(self, target: str, new_authority: str) -> Call:
        """``updateAuthority(address,address)``."""
        return Call(self.contract, "updateAuthority", (target, new_authority))
