"""The server extension: its options and its routes."""

from __future__ import annotations

import asyncio
from typing import Any, cast

from jupyter_events import EventLogger
from jupyter_server.extension.application import ExtensionApp
from jupyter_server.serverapp import ServerApp
from traitlets import Unicode, default

from sahara_lab.profile import current_account
from sahara_lab.server.routes_checkout import CheckoutHandler, OutcomeHandler, TransactionHandler
from sahara_lab.server.routes_jobs import JobHandler, JobsHandler, StopHandler
from sahara_lab.server.routes_library import (
    AnswerHandler,
    ClaimHandler,
    LibraryHandler,
    RequestsHandler,
    StatementHandler,
    WordHandler,
)
from sahara_lab.server.routes_market import LicenseHandler, ListingHandler, ListingsHandler, QuoteHandler
from sahara_lab.server.routes_opinions import AppealHandler, ReportHandler, ReviewsHandler
from sahara_lab.server.routes_session import NetworkHandler, StatusHandler
from sahara_lab.server.routes_upload import (
    ProposalHandler,
    PublishHandler,
    TermsHandler,
    UploadHandler,
    UploadsHandler,
)
from sahara_lab.server.routes_vault import (
    FolderHandler,
    ReadersHandler,
    RotateHandler,
    ShareHandler,
    UnshareHandler,
    VaultsHandler,
)
from sahara_lab.server.service import LabService
from sahara_lab.server.watch import EVENT, SCHEMA, Watcher

ASSET = r"([^/]{1,64})/([^/]{1,80})"
UPLOAD = r"uploads/([0-9a-f]{32})"

ROUTES: list[tuple[str, type[Any]]] = [
    (r"status", StatusHandler),
    (r"network", NetworkHandler),
    (r"listings", ListingsHandler),
    (rf"listings/{ASSET}", ListingHandler),
    (rf"listings/{ASSET}/reviews", ReviewsHandler),
    (rf"listings/{ASSET}/report", ReportHandler),
    (rf"listings/{ASSET}/appeal", AppealHandler),
    (r"quote", QuoteHandler),
    (r"license", LicenseHandler),
    (r"checkout", CheckoutHandler),
    (r"checkout/transaction", TransactionHandler),
    (r"checkout/outcome", OutcomeHandler),
    (r"mine", LibraryHandler),
    (r"claim", ClaimHandler),
    (r"statement", StatementHandler),
    (r"requests", RequestsHandler),
    (r"requests/([0-9]{1,12})/(grant|decline)", AnswerHandler),
    (r"reviews/(0x[0-9a-f]{64})/(approve|release|refuse)", WordHandler),
    (r"vaults", VaultsHandler),
    (rf"vaults/{ASSET}/files", FolderHandler),
    (rf"vaults/{ASSET}/readers", ReadersHandler),
    (rf"vaults/{ASSET}/share", ShareHandler),
    (rf"vaults/{ASSET}/unshare", UnshareHandler),
    (rf"vaults/{ASSET}/rotate", RotateHandler),
    (r"uploads", UploadsHandler),
    (r"uploads/proposal", ProposalHandler),
    (r"uploads/terms", TermsHandler),
    (UPLOAD, UploadHandler),
    (rf"{UPLOAD}/publish", PublishHandler),
    (r"jobs", JobsHandler),
    (r"jobs/([a-z0-9][a-z0-9-]{0,80})", JobHandler),
    (r"jobs/([a-z0-9][a-z0-9-]{0,80})/stop", StopHandler),
]


class SaharaLabExtension(ExtensionApp):
    """Answers the sidebar of Sahara Lab."""

    name = "sahara_lab"
    load_other_extensions = True

    profile = Unicode("local", help="The network to work on; 'local' is the embedded one.").tag(config=True)
    account = Unicode(help="The account that acts when the sidebar names none.").tag(config=True)

    @default("account")
    def _default_account(self) -> str:
        return current_account()

    def initialize_handlers(self) -> None:
        self._service = service = LabService(self.profile, self.account)
        self._watcher = Watcher(service, self._tell)
        self._bus = cast(EventLogger, cast(ServerApp, self.serverapp).event_logger)
        self._bus.register_event_schema(SCHEMA)
        self.handlers.extend((rf"/sahara-lab/api/{route}", handler, {"service": service}) for route, handler in ROUTES)

    async def _start_jupyter_server_extension(self, serverapp: Any) -> None:
        """Begin to tell browsers what changed, on the server's event bus."""
        await super()._start_jupyter_server_extension(serverapp)  # type: ignore[no-untyped-call]
        self._watcher.start()

    def _tell(self, what: str) -> None:
        self._bus.emit(schema_id=EVENT, data={"what": what})

    async def stop_extension(self) -> None:
        """Stop looking, and drop uploads that were not published."""
        await self._watcher.stop()
        await asyncio.to_thread(self._service.uploads.close)
