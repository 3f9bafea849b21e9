//! What an image's references say of where it comes from: registry, region, repository and tag.
//!
//! Only facts that follow from the reference itself; what a registry would have to be asked for is
//! not guessed.

use tallyman_model::reference::ImageReference;

/// A kind of registry that can be told from its host name alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RegistryKind {
    /// Alibaba Cloud Container Registry, personal or Enterprise.
    Acr,
    /// Red Hat Quay's public service.
    Quay,
}

/// The identity of an image in a registry. What its name does not say is absent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ImageIdentity {
    /// The registry's host and port.
    pub endpoint: Option<String>,
    /// The kind of the registry, where the host tells it.
    pub kind: Option<RegistryKind>,
    /// The registry's region, where the host tells it.
    pub region: Option<String>,
    /// The repository without its last component.
    pub namespace: Option<String>,
    /// The last component of the repository.
    pub name: Option<String>,
    /// The tag.
    pub tag: Option<String>,
    /// An id of the repository that is the same in every answer and every installation.
    pub repository_id: Option<String>,
}

/// Chooses, among all names of an image, the one to show: the first tagged reference in byte
/// order, else the first reference by digest. Names that are no references (`<none>:<none>`) do
/// not count.
pub fn preferred_name(names: &[String]) -> Option<&str> {
    let mut references: Vec<(bool, &str)> = names
        .iter()
        .filter_map(|name| {
            let reference: ImageReference = name.parse().ok()?;
            Some((reference.digest().is_some(), name.as_str()))
        })
        .collect();
    references.sort_unstable();
    references.first().map(|(_, name)| *name)
}

impl ImageIdentity {
    /// Reads what the preferred one of an image's names tells.
    pub fn of_names(names: &[String]) -> Option<Self> {
        preferred_name(names).and_then(Self::of)
    }

    /// Reads what a name tells. Only a registry that the name spells out is one: `app:v1` is also
    /// what a local build is called.
    pub fn of(name: &str) -> Option<Self> {
        let reference: ImageReference = name.parse().ok()?;
        let spelt = name.starts_with(&format!("{}/", reference.registry()));
        let (kind, region) = match spelt {
            true => recognise(reference.registry()),
            false => (None, None),
        };
        // `library/` is Docker's own addition to a name without a namespace.
        let namespace = Some(reference.namespace())
            .filter(|namespace| !namespace.is_empty() && name.contains(&format!("{namespace}/")));
        Some(ImageIdentity {
            endpoint: spelt.then(|| reference.registry().to_owned()),
            kind,
            region,
            namespace: namespace.map(str::to_owned),
            name: Some(reference.name().to_owned()),
            tag: reference.tag().map(str::to_owned),
            repository_id: spelt.then(|| repository_id(&reference)),
        })
    }
}

/// `registry[-vpc|-internal].<region>.aliyuncs.com` is the personal edition,
/// `<instance>-registry[-vpc].<region>.cr.aliyuncs.com` the Enterprise edition.
fn recognise(registry: &str) -> (Option<RegistryKind>, Option<String>) {
    let host = registry.split(':').next().unwrap_or_default().to_ascii_lowercase();
    if host == "quay.io" {
        return (Some(RegistryKind::Quay), None);
    }
    let Some(rest) = host.strip_suffix(".aliyuncs.com") else { return (None, None) };
    let labels: Vec<&str> = rest.split('.').collect();
    match labels.as_slice() {
        [first, region] if first.starts_with("registry") => {
            (Some(RegistryKind::Acr), Some((*region).to_owned()))
        }
        [first, region, "cr"] if first.contains("registry") => {
            (Some(RegistryKind::Acr), Some((*region).to_owned()))
        }
        _ => (None, None),
    }
}

fn repository_id(reference: &ImageReference) -> String {
    let name = format!("{}/{}", reference.registry(), reference.repository());
    let hash = ring::digest::digest(&ring::digest::SHA256, name.as_bytes());
    let short = hash.as_ref().get(..8).unwrap_or_default();
    format!("repo-{}", hex::encode(short))
}

#[cfg(test)]
mod tests {
    use super::{ImageIdentity, RegistryKind, preferred_name};

    fn identity(name: &str) -> ImageIdentity {
        ImageIdentity::of(name).expect(name)
    }

    #[test]
    fn the_host_tells_kind_and_region_of_alibaba_clouds_registries() {
        for (host, region) in [
            ("registry.cn-hangzhou.aliyuncs.com", "cn-hangzhou"),
            ("registry-vpc.cn-beijing.aliyuncs.com", "cn-beijing"),
            ("acme-registry.eu-central-1.cr.aliyuncs.com", "eu-central-1"),
            ("acme-registry-vpc.cn-shanghai.cr.aliyuncs.com", "cn-shanghai"),
        ] {
            let identity = identity(&format!("{host}/team/app:v1"));
            assert_eq!(identity.kind, Some(RegistryKind::Acr), "{host}");
            assert_eq!(identity.region.as_deref(), Some(region), "{host}");
        }
        let plain = identity("registry.example.aliyuncs.com.evil.org/team/app:v1");
        assert_eq!((plain.kind, plain.region), (None, None));
        assert_eq!(identity("quay.io/a/b").kind, Some(RegistryKind::Quay));
    }

    #[test]
    fn a_repository_keeps_its_id_whatever_the_tag() {
        let one = identity("127.0.0.1:5000/team/app:v1");
        let two = identity("127.0.0.1:5000/team/app:v2");
        assert_eq!(one.repository_id, two.repository_id);
        assert_ne!(one.repository_id, identity("127.0.0.1:5000/team/api:v1").repository_id);
        assert_eq!((one.namespace.as_deref(), one.name.as_deref()), (Some("team"), Some("app")));
    }

    #[test]
    fn a_name_without_a_registry_does_not_get_one() {
        let local = identity("app:v1");
        assert_eq!((local.endpoint, local.repository_id, local.namespace), (None, None, None));
        assert_eq!((local.name.as_deref(), local.tag.as_deref()), (Some("app"), Some("v1")));
        let pulled = identity("docker.io/library/alpine:3.20");
        assert_eq!(pulled.endpoint.as_deref(), Some("docker.io"));
        assert_eq!(pulled.namespace.as_deref(), Some("library"));
    }

    #[test]
    fn the_name_that_is_shown_does_not_depend_on_the_engines_order() {
        let names = ["<none>:<none>", "z/app:2", "a.b/app:1"].map(str::to_owned);
        let mut reversed = names.to_vec();
        reversed.reverse();
        assert_eq!(preferred_name(&names), Some("a.b/app:1"));
        assert_eq!(preferred_name(&reversed), Some("a.b/app:1"));
        assert_eq!(preferred_name(&["<none>:<none>".to_owned()]), None);
    }
}
