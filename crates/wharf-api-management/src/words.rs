//! The words of the API for what parts know as types: roles, permissions and their like.

/// An enum whose values are the words of a part's enum, and the ways between both.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident as $shown:ident for $part:ty { $($(#[$value_doc:meta])* $value:ident),+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
        #[serde(rename_all = "snake_case")]
        #[schema(as = $shown)]
        pub(crate) enum $name {
            $($(#[$value_doc])* $value),+
        }

        impl From<$part> for $name {
            fn from(value: $part) -> Self {
                match value {
                    $(<$part>::$value => Self::$value),+
                }
            }
        }

        impl From<$name> for $part {
            fn from(word: $name) -> Self {
                match word {
                    $($name::$value => Self::$value),+
                }
            }
        }
    };
}
pub(crate) use words;

words! {
    /// A member's role in a project; each may do what those before it may.
    RoleWord as Role for wharf_identity::Role {
        /// Pulls.
        Guest,
        /// Also pushes what does not exist yet.
        Developer,
        /// Also moves tags and deletes.
        Maintainer,
        /// Also decides about members, robots and settings.
        Owner
    }
}

words! {
    /// A user's role in the whole system.
    SystemRoleWord as SystemRole for wharf_identity::SystemRole {
        /// May do everything.
        Administrator,
        /// Reads everything, changes nothing.
        Auditor
    }
}

words! {
    /// What may be done with a repository's content.
    PermissionWord as Permission for wharf_context::Permission {
        /// Read.
        Pull,
        /// Add what does not exist yet.
        Push,
        /// Move a tag that exists.
        Overwrite,
        /// Delete tags, manifests and blobs.
        Delete,
        /// Add signatures and other referrers in promoted environments, where nothing else can be pushed.
        Attach
    }
}

words! {
    /// What happens to the keys before a new one.
    RetirementWord as Retirement for wharf_identity::Retirement {
        /// They verify until their tokens have ended: nobody notices.
        WhenTokensEnd,
        /// All tokens that were issued are void within half a minute: a key has leaked.
        AtOnce
    }
}

words! {
    /// What a data key seals.
    PurposeWord as Purpose for wharf_identity::Purpose {
        /// Secrets in the catalog.
        Catalog,
        /// Blobs.
        Blobs
    }
}

words! {
    /// Where a delivery is.
    DeliveryStateWord as DeliveryState for wharf_governance::webhook::DeliveryState {
        /// It is still to be sent.
        Waiting,
        /// The receiver took it.
        Delivered,
        /// It was given up.
        Dead
    }
}

words! {
    /// Who sends to a hook.
    SenderWord as Sender for wharf_governance::hook::Sender {
        /// GitHub, Gitea, Forgejo, Gogs.
        #[serde(rename = "github")]
        GitHub,
        /// GitLab.
        #[serde(rename = "gitlab")]
        GitLab,
        /// Whatever signs as Standard Webhooks says.
        Signed
    }
}

words! {
    /// The form of a delivery's body.
    #[derive(Default)]
    TemplateWord as Template for wharf_governance::webhook::Template {
        /// The CloudEvents document.
        #[default]
        #[serde(rename = "cloudevents")]
        CloudEvents,
        /// A pipeline trigger of GitLab.
        #[serde(rename = "gitlab-trigger")]
        GitLabTrigger,
        /// Jenkins' Generic Webhook Trigger.
        #[serde(rename = "jenkins-generic")]
        JenkinsGeneric,
        /// `repository_dispatch` of GitHub and what is compatible with it.
        #[serde(rename = "github-dispatch")]
        GitHubDispatch
    }
}

words! {
    /// What a hold is for.
    HoldWord as HoldKind for wharf_governance::HoldKind {
        /// The law wants it kept.
        Legal,
        /// It is suspected, and kept to be looked at.
        Quarantine
    }
}

words! {
    /// What becomes of a tag.
    ActionWord as RetentionAction for wharf_governance::retention::Action {
        /// It stays.
        Keep,
        /// It goes to the bin.
        Delete
    }
}
