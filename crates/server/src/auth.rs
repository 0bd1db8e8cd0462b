//! Who calls, and what they may do.
//!
//! A caller proves itself with a bearer token, of which the store keeps a hash. Each rpc declares the roles that may
//! call it in [`ACCESS`]; a test compares the table with the protos. The connection an rpc names is checked against
//! the token before any store call, and unknown and forbidden connections answer alike.
//! Without any token the service is bound to loopback and every caller is the local administrator.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use domain::ConnectionId;
use engine::{Clock, Error, Result};
use lever::Timestamp;
use sha2::{Digest as _, Sha256};
use store::{Store, TokenRecord};

use crate::calls::{Account, Calls, Limits};
use crate::tokens::Room;

/// What a token is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Role {
    /// Configures connections and mappings.
    Admin,
    /// The product's backend: reads and writes.
    Product,
    /// Reads only.
    Reader,
    /// Works with inbound applicants only.
    Inbound,
}

impl Role {
    /// Every role.
    pub const ALL: &[Role] = &[Role::Admin, Role::Product, Role::Reader, Role::Inbound];

    /// The name on the command line and in the store.
    pub fn name(self) -> &'static str {
        match self {
            Role::Admin => "admin",
            Role::Product => "product",
            Role::Reader => "reader",
            Role::Inbound => "inbound",
        }
    }

    /// The role of that name.
    pub fn from_name(name: &str) -> Option<Role> {
        Role::ALL.iter().copied().find(|role| role.name() == name)
    }
}

const ANY: &[Role] = Role::ALL;
const ADMIN: &[Role] = &[Role::Admin];
const WRITERS: &[Role] = &[Role::Admin, Role::Product];
const MOVERS: &[Role] = &[Role::Admin, Role::Product, Role::Inbound];
const READERS: &[Role] = &[Role::Admin, Role::Product, Role::Reader];

/// The roles that may call each rpc, by its path. `LeverService.Call` asks for more where it writes.
pub const ACCESS: &[(&str, &[Role])] = &[
    ("/fulcrum.v1.CandidateService/AddLinks", WRITERS),
    ("/fulcrum.v1.CandidateService/AddSources", WRITERS),
    ("/fulcrum.v1.CandidateService/AddTags", WRITERS),
    ("/fulcrum.v1.CandidateService/ApplyToPosting", WRITERS),
    ("/fulcrum.v1.CandidateService/Archive", WRITERS),
    ("/fulcrum.v1.CandidateService/BulkWrite", WRITERS),
    ("/fulcrum.v1.CandidateService/ChangeStage", WRITERS),
    ("/fulcrum.v1.CandidateService/CreateForm", WRITERS),
    ("/fulcrum.v1.CandidateService/CreateNote", WRITERS),
    ("/fulcrum.v1.CandidateService/DismissDuplicate", WRITERS),
    ("/fulcrum.v1.CandidateService/DownloadFile", READERS),
    ("/fulcrum.v1.CandidateService/ExplainCandidate", READERS),
    ("/fulcrum.v1.CandidateService/ExportCandidate", WRITERS),
    ("/fulcrum.v1.CandidateService/GetCandidate", READERS),
    ("/fulcrum.v1.CandidateService/GetExportSettings", READERS),
    ("/fulcrum.v1.CandidateService/ListCandidates", READERS),
    ("/fulcrum.v1.CandidateService/ListDuplicates", READERS),
    ("/fulcrum.v1.CandidateService/LookupCandidates", READERS),
    ("/fulcrum.v1.CandidateService/RemoveLinks", WRITERS),
    ("/fulcrum.v1.CandidateService/RemoveSources", WRITERS),
    ("/fulcrum.v1.CandidateService/RemoveTags", WRITERS),
    (
        "/fulcrum.v1.CandidateService/StreamLookupCandidates",
        READERS,
    ),
    ("/fulcrum.v1.CandidateService/Unarchive", WRITERS),
    ("/fulcrum.v1.CandidateService/UpdateContact", WRITERS),
    ("/fulcrum.v1.CandidateService/UpdateExportSettings", ADMIN),
    ("/fulcrum.v1.CandidateService/UpdateNote", WRITERS),
    ("/fulcrum.v1.CandidateService/UpdateUser", WRITERS),
    ("/fulcrum.v1.CandidateService/UploadFile", WRITERS),
    ("/fulcrum.v1.ChangeService/WatchChanges", READERS),
    ("/fulcrum.v1.ConnectionService/CheckPermissions", ADMIN),
    ("/fulcrum.v1.ConnectionService/CreateConnectLink", ADMIN),
    ("/fulcrum.v1.ConnectionService/CreateConnection", ADMIN),
    ("/fulcrum.v1.ConnectionService/DeleteConnection", ADMIN),
    ("/fulcrum.v1.ConnectionService/GetConnection", ANY),
    ("/fulcrum.v1.ConnectionService/ListConnectLinks", ADMIN),
    ("/fulcrum.v1.ConnectionService/ListConnections", ANY),
    ("/fulcrum.v1.ConnectionService/ListIssues", READERS),
    ("/fulcrum.v1.ConnectionService/ListUserLinks", ADMIN),
    ("/fulcrum.v1.ConnectionService/PreviewActingUser", ADMIN),
    ("/fulcrum.v1.ConnectionService/RevokeConnectLink", ADMIN),
    ("/fulcrum.v1.ConnectionService/RotateCredential", ADMIN),
    ("/fulcrum.v1.ConnectionService/UpdateConnection", ADMIN),
    ("/fulcrum.v1.ConnectionService/UpdateIssue", ADMIN),
    ("/fulcrum.v1.ConnectionService/UpdateUserLink", ADMIN),
    ("/fulcrum.v1.FieldMappingService/GetFieldMapping", ANY),
    (
        "/fulcrum.v1.FieldMappingService/ListFieldMappingVersions",
        ANY,
    ),
    ("/fulcrum.v1.FieldMappingService/ListSourceFields", READERS),
    (
        "/fulcrum.v1.FieldMappingService/PreviewFieldMapping",
        READERS,
    ),
    (
        "/fulcrum.v1.FieldMappingService/RollbackFieldMapping",
        ADMIN,
    ),
    ("/fulcrum.v1.FieldMappingService/UpdateFieldMapping", ADMIN),
    ("/fulcrum.v1.InboundService/AdvanceApplicants", MOVERS),
    ("/fulcrum.v1.InboundService/GetSlaReport", ANY),
    ("/fulcrum.v1.InboundService/ListAdvanceTargets", ANY),
    ("/fulcrum.v1.InboundService/ListApplicants", ANY),
    ("/fulcrum.v1.InboundService/ListRejectReasons", ANY),
    ("/fulcrum.v1.InboundService/RejectApplicants", MOVERS),
    ("/fulcrum.v1.InboundService/WatchApplicants", ANY),
    ("/fulcrum.v1.LeverService/Call", READERS),
    ("/fulcrum.v1.LeverService/GetApplication", READERS),
    ("/fulcrum.v1.LeverService/GetArchiveReason", ANY),
    ("/fulcrum.v1.LeverService/GetContact", READERS),
    ("/fulcrum.v1.LeverService/GetEeoResponse", READERS),
    ("/fulcrum.v1.LeverService/GetFeedback", READERS),
    ("/fulcrum.v1.LeverService/GetFeedbackTemplate", READERS),
    ("/fulcrum.v1.LeverService/GetFile", READERS),
    ("/fulcrum.v1.LeverService/GetForm", READERS),
    ("/fulcrum.v1.LeverService/GetFormTemplate", READERS),
    ("/fulcrum.v1.LeverService/GetInterview", READERS),
    ("/fulcrum.v1.LeverService/GetNote", READERS),
    ("/fulcrum.v1.LeverService/GetOffer", READERS),
    ("/fulcrum.v1.LeverService/GetOpportunity", READERS),
    ("/fulcrum.v1.LeverService/GetPanel", READERS),
    ("/fulcrum.v1.LeverService/GetPosting", ANY),
    ("/fulcrum.v1.LeverService/GetPostingForm", READERS),
    ("/fulcrum.v1.LeverService/GetReferral", READERS),
    ("/fulcrum.v1.LeverService/GetRequisition", READERS),
    ("/fulcrum.v1.LeverService/GetRequisitionField", READERS),
    ("/fulcrum.v1.LeverService/GetResume", READERS),
    ("/fulcrum.v1.LeverService/GetStage", ANY),
    ("/fulcrum.v1.LeverService/GetUser", ANY),
    ("/fulcrum.v1.LeverService/ListApplications", READERS),
    ("/fulcrum.v1.LeverService/ListArchiveReasons", ANY),
    ("/fulcrum.v1.LeverService/ListContacts", READERS),
    ("/fulcrum.v1.LeverService/ListEeoResponses", READERS),
    ("/fulcrum.v1.LeverService/ListFeedback", READERS),
    ("/fulcrum.v1.LeverService/ListFeedbackTemplates", READERS),
    ("/fulcrum.v1.LeverService/ListFiles", READERS),
    ("/fulcrum.v1.LeverService/ListFormTemplates", READERS),
    ("/fulcrum.v1.LeverService/ListForms", READERS),
    ("/fulcrum.v1.LeverService/ListInterviews", READERS),
    ("/fulcrum.v1.LeverService/ListNotes", READERS),
    ("/fulcrum.v1.LeverService/ListOffers", READERS),
    ("/fulcrum.v1.LeverService/ListOpportunities", READERS),
    ("/fulcrum.v1.LeverService/ListPanels", READERS),
    ("/fulcrum.v1.LeverService/ListPostingForms", READERS),
    ("/fulcrum.v1.LeverService/ListPostings", ANY),
    ("/fulcrum.v1.LeverService/ListReferrals", READERS),
    ("/fulcrum.v1.LeverService/ListRequisitionFields", READERS),
    ("/fulcrum.v1.LeverService/ListRequisitions", READERS),
    ("/fulcrum.v1.LeverService/ListResumes", READERS),
    ("/fulcrum.v1.LeverService/ListSources", ANY),
    ("/fulcrum.v1.LeverService/ListStages", ANY),
    ("/fulcrum.v1.LeverService/ListTags", ANY),
    ("/fulcrum.v1.LeverService/ListUsers", ANY),
    ("/fulcrum.v1.OperationService/CancelOperation", MOVERS),
    ("/fulcrum.v1.OperationService/GetOperation", ANY),
    ("/fulcrum.v1.OperationService/ListOperations", READERS),
    ("/fulcrum.v1.OperationService/ReleaseOperation", MOVERS),
    ("/fulcrum.v1.OperationService/RetryOperation", MOVERS),
    ("/fulcrum.v1.OperationService/WatchOperations", ANY),
    ("/fulcrum.v1.StageMappingService/GetStageMapping", ANY),
    (
        "/fulcrum.v1.StageMappingService/ListStageMappingVersions",
        ANY,
    ),
    ("/fulcrum.v1.StageMappingService/PreviewStageMapping", ANY),
    (
        "/fulcrum.v1.StageMappingService/RollbackStageMapping",
        ADMIN,
    ),
    ("/fulcrum.v1.StageMappingService/SuggestStageMapping", ANY),
    ("/fulcrum.v1.StageMappingService/UpdateStageMapping", ADMIN),
    ("/fulcrum.v1.StoreService/Backup", ADMIN),
    ("/fulcrum.v1.StoreService/Check", ADMIN),
    ("/fulcrum.v1.StoreService/FreeReserve", ADMIN),
    ("/fulcrum.v1.StoreService/GetMasterKeys", ADMIN),
    ("/fulcrum.v1.StoreService/RotateMasterKey", ADMIN),
    ("/fulcrum.v1.SyncService/EstimateImport", ADMIN),
    ("/fulcrum.v1.SyncService/GetSyncStatus", ANY),
    ("/fulcrum.v1.SyncService/ListApiCalls", READERS),
    ("/fulcrum.v1.SyncService/ListQuarantine", READERS),
    ("/fulcrum.v1.SyncService/ListRuns", READERS),
    ("/fulcrum.v1.SyncService/PauseSync", ADMIN),
    ("/fulcrum.v1.SyncService/ResetStream", ADMIN),
    ("/fulcrum.v1.SyncService/ResumeSync", ADMIN),
    ("/fulcrum.v1.SyncService/StartSync", WRITERS),
    ("/fulcrum.v1.SyncService/UpdateSchedule", ADMIN),
    ("/fulcrum.v1.SyncService/WatchSync", ANY),
    ("/fulcrum.v1.TokenService/CreateToken", ADMIN),
    ("/fulcrum.v1.TokenService/ListTokens", ADMIN),
    ("/fulcrum.v1.TokenService/RevokeToken", ADMIN),
];

/// Whether a role may call the rpc at `path`; an rpc that the table lacks may be called by nobody.
pub fn may_call(role: Role, path: &str) -> bool {
    ACCESS
        .iter()
        .any(|(rpc, roles)| *rpc == path && roles.contains(&role))
}

/// The name and id of the administrator of a service without tokens.
const LOCAL: &str = "local";

/// A proven caller.
#[derive(Debug, Clone)]
pub struct Caller {
    /// The id of its token; page tokens are bound to it.
    pub id: String,
    /// The name of its token, as kept with what it does.
    pub name: String,
    /// What it may call.
    pub role: Role,
    /// The connections it may see; none for all.
    pub scope: Option<Arc<HashSet<ConnectionId>>>,
    /// Extra rights, such as `act_as_any`.
    pub rights: Arc<HashSet<String>>,
    /// When its token stops working.
    pub expires_at: Option<Timestamp>,
}

impl Caller {
    /// The administrator of a service without tokens, on its own machine.
    pub fn local() -> Self {
        Self {
            id: LOCAL.to_owned(),
            name: LOCAL.to_owned(),
            role: Role::Admin,
            scope: None,
            rights: Arc::new(RIGHTS.iter().map(|right| (*right).to_owned()).collect()),
            expires_at: None,
        }
    }

    /// Passes a connection the caller may see; any other is not found.
    ///
    /// # Errors
    /// Not found.
    pub fn check(&self, id: ConnectionId) -> Result<ConnectionId> {
        if self.sees(id) {
            Ok(id)
        } else {
            Err(Error::not_found("connection", &id.to_string()))
        }
    }

    /// Whether the caller may see a connection.
    pub fn sees(&self, id: ConnectionId) -> bool {
        self.scope.as_ref().is_none_or(|scope| scope.contains(&id))
    }

    /// Whether the caller has an extra right.
    pub fn has(&self, right: &str) -> bool {
        self.rights.contains(right)
    }
}

/// The right to name any Lever user as the one who acts.
pub const ACT_AS_ANY: &str = "act_as_any";

/// The right to see confidential people.
pub const CONFIDENTIAL: &str = "confidential";

/// The right to see answers to equal-opportunity questions.
pub const EEO: &str = "eeo";

/// The rights there are.
pub const RIGHTS: &[&str] = &[ACT_AS_ANY, CONFIDENTIAL, EEO];

/// Proves callers, and knows at once when a token is made or revoked; clones share what they know.
#[derive(Debug, Clone)]
pub struct Authority {
    store: Store,
    clock: Clock,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    required: AtomicBool,
    calls: Calls,
    /// Held while tokens are changed: what is decided on the tokens there are still holds when it is stored.
    change: tokio::sync::Mutex<()>,
}

/// A proven caller with the account that its calls are on.
pub(crate) struct Proven {
    pub(crate) caller: Caller,
    pub(crate) account: Arc<Account>,
}

/// Why a token does not work any more, and since when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lapsed {
    /// Its time was over.
    Expired(Timestamp),
    /// Somebody took it back.
    Revoked(Timestamp),
}

impl Authority {
    /// Tokens are required as soon as one exists.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub async fn new(store: Store, clock: Clock, limits: Limits) -> Result<Self> {
        let required = AtomicBool::new(store.any_tokens().await?);
        let shared = Shared {
            required,
            calls: Calls::new(limits),
            change: tokio::sync::Mutex::default(),
        };
        Ok(Self {
            store,
            clock,
            shared: Arc::new(shared),
        })
    }

    /// Whether callers must give a token.
    pub fn required(&self) -> bool {
        self.shared.required.load(Ordering::SeqCst)
    }

    /// The calls under way.
    pub(crate) fn calls(&self) -> &Calls {
        &self.shared.calls
    }

    /// The time now, by which tokens expire.
    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// The caller behind an `authorization` header; none for a token that is unknown, expired or revoked.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub(crate) async fn proven(&self, authorization: Option<&str>) -> Result<Option<Proven>> {
        self.proven_by_hash(authorization.and_then(bearer).map(hash))
            .await
    }

    /// The same by the hash of its token, as sessions of the console keep it.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub(crate) async fn proven_by_hash(&self, hash: Option<[u8; 32]>) -> Result<Option<Proven>> {
        if !self.required() {
            return Ok(Some(Proven {
                caller: Caller::local(),
                account: self.calls().trusted(LOCAL),
            }));
        }
        let Some(hash) = hash else {
            return Ok(None);
        };
        let record = self.store.token_by_hash(&hash).await?;
        let caller = record.filter(|record| good(record, self.now()));
        Ok(caller.and_then(to_caller).map(|caller| Proven {
            account: self.calls().account(&caller.id),
            caller,
        }))
    }

    /// Why the token of a hash does not work any more; none for one that works, and for one that never was.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub(crate) async fn lapsed(&self, hash: [u8; 32]) -> Result<Option<Lapsed>> {
        let record = self.store.token_by_hash(&hash).await?;
        Ok(record.and_then(|record| lapsed(&record, self.now())))
    }

    /// Stores a new token. The first one makes tokens required at once, and ends what goes on without; tells whether
    /// it was the first.
    ///
    /// # Errors
    /// Failed precondition where as many are there as may be; if it cannot be stored, nothing has changed.
    pub(crate) async fn add(&self, token: TokenRecord) -> Result<bool> {
        let _alone = self.shared.change.lock().await;
        let room = Room {
            most: self.calls().limits().tokens,
            now: self.now(),
        };
        let all = self.store.tokens().await?;
        room.check(&token, &all)?;
        let surplus = room.surplus(&token, &all);
        if !surplus.is_empty() {
            self.store.remove_tokens(surplus.clone()).await?;
        }
        let kept = all.iter().filter(|token| !surplus.contains(&token.hash));
        let kept: HashSet<&str> = kept.map(|token| token.id.as_str()).collect();
        self.calls().forget(|id| id != LOCAL && !kept.contains(id));
        self.store.create_token(token).await?;
        let first = !self.shared.required.swap(true, Ordering::SeqCst);
        if first {
            self.calls().end(LOCAL);
        }
        Ok(first)
    }

    /// Every token, the oldest first.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub(crate) async fn tokens(&self) -> Result<Vec<TokenRecord>> {
        Ok(self.store.tokens().await?)
    }

    /// Revokes a token that `allowed` lets go, given all there are, and ends its calls under way.
    ///
    /// # Errors
    /// What `allowed` says; if it cannot be stored, nothing has changed.
    pub(crate) async fn revoke(
        &self,
        id: &str,
        allowed: impl FnOnce(&[TokenRecord]) -> Result<()>,
    ) -> Result<TokenRecord> {
        let _alone = self.shared.change.lock().await;
        allowed(&self.store.tokens().await?)?;
        let revoked = self.store.revoke_token(id, self.now()).await?;
        self.calls().end(id);
        Ok(revoked)
    }
}

/// Whether a token still works. One that was revoked never does again, whatever the clock says.
pub(crate) fn good(token: &TokenRecord, now: Timestamp) -> bool {
    lapsed(token, now).is_none()
}

fn lapsed(token: &TokenRecord, now: Timestamp) -> Option<Lapsed> {
    match (token.revoked_at, token.expires_at) {
        (Some(at), _) => Some(Lapsed::Revoked(at)),
        (None, Some(at)) if at <= now => Some(Lapsed::Expired(at)),
        _ => None,
    }
}

fn to_caller(record: TokenRecord) -> Option<Caller> {
    let scope = (!record.connections.is_empty())
        .then(|| Arc::new(record.connections.into_iter().collect()));
    Some(Caller {
        id: record.id,
        name: record.name,
        role: Role::from_name(&record.role)?,
        scope,
        rights: Arc::new(record.rights.into_iter().collect()),
        expires_at: record.expires_at,
    })
}

/// The hash under which the store keeps a token; tokens are random, so a plain hash is enough.
pub fn hash(token: &str) -> [u8; 32] {
    Sha256::digest(token.as_bytes()).into()
}

fn bearer(authorization: &str) -> Option<&str> {
    let (scheme, token) = authorization.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use prost::Message as _;
    use prost_types::FileDescriptorSet;

    use super::*;

    /// Every rpc of our package, as the protos have it.
    fn rpcs() -> BTreeSet<String> {
        let descriptors = FileDescriptorSet::decode(proto::DESCRIPTORS).unwrap();
        let mut rpcs = BTreeSet::new();
        for file in descriptors
            .file
            .iter()
            .filter(|file| file.package() == "fulcrum.v1")
        {
            for service in &file.service {
                for method in &service.method {
                    rpcs.insert(format!("/fulcrum.v1.{}/{}", service.name(), method.name()));
                }
            }
        }
        rpcs
    }

    #[test]
    fn every_rpc_declares_its_roles() {
        let declared: BTreeSet<String> = ACCESS.iter().map(|(rpc, _)| (*rpc).to_owned()).collect();
        assert_eq!(declared, rpcs());
    }

    #[test]
    fn an_rpc_that_the_table_lacks_may_be_called_by_nobody() {
        for role in Role::ALL {
            assert!(!may_call(*role, "/fulcrum.v1.TokenService/ShowToken"));
        }
        assert!(may_call(
            Role::Reader,
            "/fulcrum.v1.InboundService/ListApplicants"
        ));
        assert!(!may_call(
            Role::Reader,
            "/fulcrum.v1.CandidateService/CreateNote"
        ));
    }

    #[test]
    fn only_a_bearer_header_carries_a_token() {
        assert_eq!(bearer("Bearer abc"), Some("abc"));
        assert_eq!(bearer("bearer  abc "), Some("abc"));
        assert_eq!(bearer("Basic abc"), None);
        assert_eq!(bearer("abc"), None);
    }
}
