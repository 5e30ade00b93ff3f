// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {Test} from "forge-std/Test.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";

import {AgentRegistry} from "../../src/AgentRegistry.sol";
import {AssetRegistry} from "../../src/AssetRegistry.sol";
import {CallChannel} from "../../src/CallChannel.sol";
import {ComputeEscrow} from "../../src/ComputeEscrow.sol";
import {CollectionShares} from "../../src/CollectionShares.sol";
import {Directory} from "../../src/Directory.sol";
import {FeedbackReceipts} from "../../src/FeedbackReceipts.sol";
import {IdentityRegistry} from "../../src/IdentityRegistry.sol";
import {KeyServerRegistry} from "../../src/KeyServerRegistry.sol";
import {LicenseTerms} from "../../src/LicenseTerms.sol";
import {LicenseToken} from "../../src/LicenseToken.sol";
import {Market} from "../../src/Market.sol";
import {ProtocolParameters} from "../../src/ProtocolParameters.sol";
import {ReceiptAnchors} from "../../src/ReceiptAnchors.sol";
import {RefundEscrow} from "../../src/RefundEscrow.sol";
import {ReputationRegistry} from "../../src/ReputationRegistry.sol";
import {RoyaltyLedger} from "../../src/RoyaltyLedger.sol";
import {SaharaAccess} from "../../src/SaharaAccess.sol";
import {SaharaGovernor} from "../../src/SaharaGovernor.sol";
import {SaharaTimelock} from "../../src/SaharaTimelock.sol";
import {SaharaToken} from "../../src/SaharaToken.sol";
import {Staking} from "../../src/Staking.sol";
import {ValidationRegistry} from "../../src/ValidationRegistry.sol";
import {IAssetRegistry} from "../../src/interfaces/IAssetRegistry.sol";
import {IKeyServerRegistry} from "../../src/interfaces/IKeyServerRegistry.sol";
import {ILicenseTerms, Uses} from "../../src/interfaces/ILicenseTerms.sol";

/// @dev Deploys everything the way it is deployed for real, and gives tests the verbs of the house.
abstract contract Lab is Test {
    uint256 internal constant TOKEN = 1e18;
    uint48 internal constant VOTING_DELAY = 1;
    uint32 internal constant VOTING_PERIOD = 300;
    uint48 internal constant LATE_QUORUM = 60;
    uint256 internal constant TIMELOCK_DELAY = 2;
    uint48 internal constant COOLDOWN = 14 days;
    uint48 internal constant DISPUTE_WINDOW = 1 days;
    uint48 internal constant JUDGMENT_PERIOD = 30 days;
    uint48 internal constant STOP_DELAY = 1 hours;
    uint48 internal constant CLOSE_DELAY = 1 days;
    uint256 internal constant GUARDIAN_TERM = 365 days;

    address internal deployer = makeAddr("deployer");
    address internal alice = makeAddr("alice");
    address internal bob = makeAddr("bob");
    address internal carol = makeAddr("carol");
    address internal mallory = makeAddr("mallory");
    address internal guardian = makeAddr("guardian");
    address internal keyServer = makeAddr("key server");

    SaharaTimelock internal timelock;
    SaharaToken internal token;
    SaharaGovernor internal governor;
    SaharaAccess internal access;
    ProtocolParameters internal parameters;
    IdentityRegistry internal identities;
    KeyServerRegistry internal keyServers;
    LicenseTerms internal terms;
    RoyaltyLedger internal ledger;
    AssetRegistry internal registry;
    LicenseToken internal licenses;
    RefundEscrow internal refunds;
    Market internal market;
    Staking internal staking;
    ComputeEscrow internal escrow;
    CallChannel internal channels;
    ReceiptAnchors internal anchors;
    CollectionShares internal collections;
    AgentRegistry internal agents;
    ReputationRegistry internal reputation;
    FeedbackReceipts internal receipts;
    ValidationRegistry internal validations;
    Directory internal directory;

    function setUp() public virtual {
        vm.warp(1_800_000_000);
        _deploy();
        address[3] memory people = [alice, bob, carol];
        for (uint256 i = 0; i < people.length; ++i) {
            vm.startPrank(people[i]);
            token.delegate(people[i]);
            token.approve(address(market), type(uint256).max);
            token.approve(address(ledger), type(uint256).max);
            vm.stopPrank();
        }
        skip(1);
    }

    function _deploy() private {
        uint64 nonce = vm.getNonce(deployer);
        address[] memory holders = new address[](4);
        uint256[] memory amounts = new uint256[](4);
        (holders[0], holders[1], holders[2]) = (alice, bob, carol);
        (amounts[0], amounts[1], amounts[2], amounts[3]) =
        (10_000 * TOKEN, 10_000 * TOKEN, 10_000 * TOKEN, 70_000 * TOKEN);

        vm.startPrank(deployer);
        timelock = new SaharaTimelock(
            TIMELOCK_DELAY,
            vm.computeCreateAddress(deployer, nonce + 2),
            SaharaAccess(vm.computeCreateAddress(deployer, nonce + 3)),
            guardian,
            GUARDIAN_TERM
        );
        holders[3] = address(timelock);
        token = new SaharaToken(holders, amounts);
        governor = new SaharaGovernor(token, timelock, VOTING_DELAY, VOTING_PERIOD, LATE_QUORUM);
        access = new SaharaAccess(
            address(timelock),
            vm.computeCreateAddress(deployer, nonce + 4),
            vm.computeCreateAddress(deployer, nonce + 6),
            vm.computeCreateAddress(deployer, nonce + 22),
            vm.computeCreateAddress(deployer, nonce + 14),
            vm.computeCreateAddress(deployer, nonce + 15)
        );
        parameters = new ProtocolParameters(address(access), address(timelock), 250, 5_000, _currencies());
        identities = new IdentityRegistry();
        keyServers = new KeyServerRegistry(address(access), _servers());
        terms = new LicenseTerms();
        ledger = new RoyaltyLedger(
            parameters,
            AssetRegistry(vm.computeCreateAddress(deployer, nonce + 9)),
            vm.computeCreateAddress(deployer, nonce + 13)
        );
        registry = new AssetRegistry(ledger, LicenseToken(vm.computeCreateAddress(deployer, nonce + 10)));
        licenses = new LicenseToken(registry, terms, vm.computeCreateAddress(deployer, nonce + 12));
        refunds = new RefundEscrow(licenses, terms, ledger, parameters, vm.computeCreateAddress(deployer, nonce + 12));
        market = new Market(registry, terms, licenses, ledger, refunds, parameters);
        collections = new CollectionShares(registry, ledger, parameters);
        staking = new Staking(address(access), token, address(timelock), COOLDOWN);
        escrow = new ComputeEscrow(access, staking, parameters, DISPUTE_WINDOW, JUDGMENT_PERIOD, STOP_DELAY);
        channels = new CallChannel(ledger, parameters, CLOSE_DELAY);
        anchors = new ReceiptAnchors(keyServers);
        agents = new AgentRegistry(identities);
        reputation = new ReputationRegistry(agents);
        receipts = new FeedbackReceipts(reputation, agents, licenses, registry, refunds);
        validations = new ValidationRegistry(agents);
        directory = new Directory(address(access), _names(), _modules(), _fixed());
        vm.stopPrank();
    }

    function _currencies() private view returns (IERC20[] memory list) {
        list = new IERC20[](1);
        list[0] = token;
    }

    function _servers() private view returns (IKeyServerRegistry.KeyServer[] memory list) {
        list = new IKeyServerRegistry.KeyServer[](1);
        list[0] = IKeyServerRegistry.KeyServer(keyServer, true, "http://127.0.0.1:1", new bytes(1216));
    }

    function _names() private pure returns (bytes32[] memory list) {
        list = new bytes32[](5);
        (list[0], list[1]) = ("Market", "RoyaltyLedger");
        (list[2], list[3], list[4]) = ("SaharaToken", "AssetRegistry", "LicenseToken");
    }

    function _fixed() private pure returns (bytes32[] memory list) {
        list = new bytes32[](3);
        (list[0], list[1], list[2]) = ("SaharaToken", "AssetRegistry", "LicenseToken");
    }

    function _modules() private view returns (address[] memory list) {
        list = new address[](5);
        (list[0], list[1]) = (address(market), address(ledger));
        (list[2], list[3], list[4]) = (address(token), address(registry), address(licenses));
    }

    /* ----------------------------------------------------------------- the verbs of the house */

    function version(string memory uri) internal pure returns (IAssetRegistry.Version memory) {
        return IAssetRegistry.Version(bytes32("root"), bytes32("manifest"), bytes32("metadata"), 1, 0, uri);
    }

    function publish(address owner, string memory name) internal returns (uint256 asset) {
        return publish(owner, name, new IAssetRegistry.Edge[](0));
    }

    function publish(address owner, string memory name, IAssetRegistry.Edge[] memory parents)
        internal
        returns (uint256 asset)
    {
        vm.prank(owner);
        return registry.register(name, IAssetRegistry.Kind.Dataset, version("assets/x"), parents);
    }

    /// @dev Remix terms: everything allowed, for ever, any number of seats.
    function remix(uint256 price, uint16 royaltyBps) internal view returns (ILicenseTerms.Terms memory) {
        return ILicenseTerms.Terms({
            currency: address(token),
            price: price,
            refundWindow: 0,
            duration: 0,
            seats: 0,
            royaltyBps: royaltyBps,
            uses: Uses.ALL,
            transferable: false,
            attribution: true,
            reciprocal: false,
            computeOnly: false,
            textUri: "licenses/commercial-remix.md",
            textHash: bytes32("text")
        });
    }

    function offer(uint256 asset, ILicenseTerms.Terms memory what) internal returns (bytes32 termsId) {
        termsId = terms.register(what);
        vm.prank(registry.ownerOf(asset));
        market.setOffer(asset, termsId, true);
    }

    function buy(address buyer, uint256 asset, bytes32 termsId) internal returns (uint256 license) {
        vm.prank(buyer);
        return market.buy(asset, termsId, type(uint256).max, buyer);
    }

    function offerAndBuy(address buyer, uint256 asset, ILicenseTerms.Terms memory what)
        internal
        returns (uint256 license)
    {
        return buy(buyer, asset, offer(asset, what));
    }

    function trainedOn(uint256 parent, uint256 license) internal pure returns (IAssetRegistry.Edge memory) {
        return IAssetRegistry.Edge(parent, license, IAssetRegistry.Relation.TrainedOn);
    }

    function edges(IAssetRegistry.Edge memory a) internal pure returns (IAssetRegistry.Edge[] memory list) {
        list = new IAssetRegistry.Edge[](1);
        list[0] = a;
    }

    function edges(IAssetRegistry.Edge memory a, IAssetRegistry.Edge memory b)
        internal
        pure
        returns (IAssetRegistry.Edge[] memory list)
    {
        list = new IAssetRegistry.Edge[](2);
        (list[0], list[1]) = (a, b);
    }

    /// @dev A child of `parent` whose owner bought the right to derive for free, against a share of revenue.
    function derive(address owner, string memory name, uint256 parent, uint16 royaltyBps)
        internal
        returns (uint256 child)
    {
        return publish(owner, name, edges(trainedOn(parent, offerAndBuy(owner, parent, remix(0, royaltyBps)))));
    }

    function list1(uint256 a) internal pure returns (uint256[] memory list) {
        list = new uint256[](1);
        list[0] = a;
    }

    function list2(uint256 a, uint256 b) internal pure returns (uint256[] memory list) {
        list = new uint256[](2);
        (list[0], list[1]) = (a, b);
    }
}
