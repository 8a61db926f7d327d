//! Whether an image may come into an environment, by what it stands on. Pure.

use std::collections::BTreeSet;

use wharf_oci::EnvironmentName;

use super::facts::Claim;
use super::policy::LineagePolicy;

/// What is known of an image.
#[derive(Debug, Clone)]
pub(crate) struct Stands {
    /// The kinds of its own repositories.
    pub(crate) own_kinds: BTreeSet<String>,
    /// How many images lie on each other, this one among them.
    pub(crate) depth: u32,
    pub(crate) bases: Vec<Beneath>,
    pub(crate) claim: Claim,
    pub(crate) problem: Option<String>,
}

/// Something that an image stands on.
#[derive(Debug, Clone)]
pub(crate) struct Beneath {
    /// What it is called.
    pub(crate) name: String,
    pub(crate) kinds: BTreeSet<String>,
    /// Whether nothing is known that it stands on.
    pub(crate) is_root: bool,
}

/// What stands against an image in an environment; nothing where all is as the policy demands.
pub(crate) fn judge(policy: &LineagePolicy, environment: &EnvironmentName, image: &Stands) -> Vec<String> {
    let mut complaints = Vec::new();
    if let Some(limit) = policy.max_depth.filter(|limit| image.depth > *limit) {
        complaints.push(format!("{} images lie on each other, and {limit} are allowed", image.depth));
    }
    let Some(allowed) = policy.environments.get(environment) else { return complaints };
    if image.claim == Claim::Wrong {
        complaints.push("its config does not say the truth about its layers".to_owned());
    }
    if let Some(problem) = &image.problem {
        complaints.push(format!("what it stands on cannot be known: {problem}"));
    }
    let is_one_of = |kinds: &BTreeSet<String>, allowed: &[String]| allowed.iter().any(|kind| kinds.contains(kind));
    if !allowed.roots.is_empty() {
        let roots: Vec<&Beneath> = image.bases.iter().filter(|base| base.is_root).collect();
        if roots.is_empty() && !is_one_of(&image.own_kinds, &allowed.roots) {
            complaints.push(format!(
                "it stands on nothing that is here, and must stand on one of: {}",
                allowed.roots.join(", ")
            ));
        }
        // Twins have the same layers: one of the right kind is enough.
        if !roots.is_empty() && !roots.iter().any(|root| is_one_of(&root.kinds, &allowed.roots)) {
            complaints.push(format!(
                "it stands on `{}`, which is none of: {}",
                roots[0].name,
                allowed.roots.join(", ")
            ));
        }
    }
    if !allowed.between.is_empty() {
        let between = image.bases.iter().filter(|base| !base.is_root && !is_one_of(&base.kinds, &allowed.between));
        let told = between
            .map(|base| format!("between them is `{}`, which is none of: {}", base.name, allowed.between.join(", ")));
        complaints.extend(told);
    }
    complaints
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy() -> LineagePolicy {
        let text = r#"{"max_depth":3,"kinds":[{"name":"prod-os","repositories":["base/prod"]},{"name":"runtime","repositories":["base/java"]}],
            "environments":{"p":{"roots":["prod-os"],"between":["runtime"]}}}"#;
        serde_json::from_str(text).expect("a policy")
    }

    fn beneath(name: &str, kind: &str, is_root: bool) -> Beneath {
        Beneath { name: name.to_owned(), kinds: [kind.to_owned()].into(), is_root }
    }

    fn image(bases: Vec<Beneath>, depth: u32) -> Stands {
        Stands { own_kinds: BTreeSet::new(), depth, bases, claim: Claim::Right, problem: None }
    }

    fn complaints(environment: &str, image: &Stands) -> Vec<String> {
        judge(&policy(), &environment.parse().expect("valid"), image)
    }

    #[test]
    fn production_stands_on_what_is_allowed() {
        let good = image(vec![beneath("base/java:21", "runtime", false), beneath("base/prod:12", "prod-os", true)], 3);
        assert!(complaints("p", &good).is_empty());
        let wrong = image(vec![beneath("base/java:21", "runtime", false), beneath("base/test:12", "test-os", true)], 3);
        assert_eq!(complaints("p", &wrong), ["it stands on `base/test:12`, which is none of: prod-os"]);
        assert!(complaints("t", &wrong).is_empty(), "nothing is demanded there");
        let odd = image(vec![beneath("me/tools:1", "", false), beneath("base/prod:12", "prod-os", true)], 3);
        assert_eq!(complaints("p", &odd), ["between them is `me/tools:1`, which is none of: runtime"]);
    }

    #[test]
    fn what_stands_on_nothing_known_is_refused_unless_it_is_a_root_itself() {
        let alone = image(Vec::new(), 1);
        assert_eq!(complaints("p", &alone), ["it stands on nothing that is here, and must stand on one of: prod-os"]);
        let root = Stands { own_kinds: ["prod-os".to_owned()].into(), ..alone };
        assert!(complaints("p", &root).is_empty());
        let twins = image(vec![beneath("copy/of:12", "", true), beneath("base/prod:12", "prod-os", true)], 2);
        assert!(complaints("p", &twins).is_empty(), "one of two with the same layers is of the kind");
    }

    #[test]
    fn depth_lies_and_problems_are_told() {
        let deep = image(vec![beneath("base/prod:12", "prod-os", true)], 4);
        assert_eq!(complaints("t", &deep), ["4 images lie on each other, and 3 are allowed"]);
        let liar = Stands { claim: Claim::Wrong, ..image(vec![beneath("base/prod:12", "prod-os", true)], 2) };
        assert_eq!(complaints("p", &liar), ["its config does not say the truth about its layers"]);
        let broken = Stands {
            problem: Some("a layer is missing".to_owned()),
            ..image(vec![beneath("base/prod:12", "prod-os", true)], 2)
        };
        assert_eq!(complaints("p", &broken), ["what it stands on cannot be known: a layer is missing"]);
    }
}
