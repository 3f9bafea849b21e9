//! The package URL of a package version (purl-spec, "Known types").

use packageurl::PackageUrl;

use super::{Ecosystem, Namespace, Package, PackageVersion};

impl PackageVersion {
    /// Returns the package URL (purl-spec, "Known types").
    pub fn purl(&self) -> String {
        self.plain_purl().unwrap_or_else(|| self.purl_by_the_rules())
    }

    /// Writes the URL of a package all of whose characters stand for themselves and that no rule of
    /// its type changes, which is most of them, many thousands in an image.
    fn plain_purl(&self) -> Option<String> {
        let package = &self.package;
        let (epoch, version) = split_epoch(package);
        let line = package.ecosystem.line();
        let namespace = match line.namespace {
            Namespace::Distribution => self.release.as_ref().map(|release| release.id()),
            Namespace::UpTo(_) | Namespace::Never => None,
        };
        let length = package.name.len() + package.version.len() + 80;
        let mut url = String::with_capacity(length);
        url.push_str("pkg:");
        url.push_str(line.name);
        url.push('/');
        if let Some(namespace) = namespace {
            push_plain(&mut url, namespace)?;
            url.push('/');
        }
        push_plain_name(&mut url, package.ecosystem, line.namespace, &package.name)?;
        url.push('@');
        push_plain(&mut url, version)?;
        let distro = self.release.as_ref().map(|release| release.as_str());
        let distro_version = distro.and_then(|distro| distro.split_once(':')).map(|(_, it)| it);
        let distro_id = distro.map(|distro| distro.split(':').next().unwrap_or(distro));
        let mut separator = '?';
        // In the order of their names.
        for (name, value, rest) in [
            ("arch=", package.architecture.as_deref(), None),
            ("distro=", distro_id, distro_version),
            ("epoch=", epoch, None),
        ] {
            let Some(value) = value else { continue };
            url.push(separator);
            url.push_str(name);
            push_plain(&mut url, value)?;
            if let Some(rest) = rest {
                url.push('-');
                push_plain(&mut url, rest)?;
            }
            separator = '&';
        }
        package.module.is_none().then_some(url)
    }

    fn purl_by_the_rules(&self) -> String {
        let package = &self.package;
        let name = package.ecosystem.normalize_name(&package.name);
        let (namespace, name) = match package.ecosystem.line().namespace {
            Namespace::Distribution => {
                (self.release.as_ref().map(|release| release.id().to_owned()), name)
            }
            Namespace::UpTo(separator) => match name.rsplit_once(separator) {
                Some((namespace, name)) => (Some(namespace.to_owned()), name.to_owned()),
                None => (None, name),
            },
            Namespace::Never => (None, name),
        };
        let fallback = || format!("pkg:{}/{}@{}", package.ecosystem, package.name, package.version);
        let Ok(mut purl) = PackageUrl::new(package.ecosystem.name(), name) else {
            return fallback();
        };
        let (epoch, version) = split_epoch(package);
        let mut complete = purl.with_version(version.to_owned()).is_ok();
        if let Some(namespace) = namespace {
            complete &= purl.with_namespace(namespace).is_ok();
        }
        if let Some(architecture) = &package.architecture {
            complete &= purl.add_qualifier("arch", architecture.clone()).is_ok();
        }
        if let Some(release) = &self.release {
            let distro = release.as_str().replacen(':', "-", 1);
            complete &= purl.add_qualifier("distro", distro).is_ok();
        }
        if let Some(epoch) = epoch {
            complete &= purl.add_qualifier("epoch", epoch.to_owned()).is_ok();
        }
        if let Some(module) = &package.module {
            complete &= purl.add_qualifier("rpmmod", module.clone()).is_ok();
        }
        if complete { purl.to_string() } else { fallback() }
    }
}

/// The package URL of an RPM carries the epoch apart from the version; that of a Debian package
/// does not.
fn split_epoch(package: &Package) -> (Option<&str>, &str) {
    match package.version.split_once(':') {
        Some((epoch, version)) if package.ecosystem == Ecosystem::Rpm => (Some(epoch), version),
        _ => (None, &package.version),
    }
}

/// Writes a name, where its type's rules leave it as it is.
fn push_plain_name(
    url: &mut String,
    ecosystem: Ecosystem,
    namespace: Namespace,
    name: &str,
) -> Option<()> {
    match (ecosystem, namespace) {
        // PEP 503 makes all separators one hyphen between two words.
        (Ecosystem::PyPi, _) => {
            let is_normal = name.split('-').all(|word| !word.is_empty())
                && !name.contains(['_', '.', '~', '+']);
            is_normal.then_some(())?;
            push_plain(url, name)
        }
        (_, Namespace::UpTo(separator)) => {
            let (namespace, name) = match name.rsplit_once(separator) {
                Some((namespace, name)) => (Some(namespace), name),
                None => (None, name),
            };
            if let Some(namespace) = namespace {
                for part in namespace.split('/') {
                    let scoped = part.strip_prefix('@');
                    url.push_str(if scoped.is_some() { "%40" } else { "" });
                    push_plain(url, scoped.unwrap_or(part))?;
                    url.push('/');
                }
            }
            push_plain(url, name)
        }
        (_, Namespace::Distribution | Namespace::Never) => push_plain(url, name),
    }
}

/// Writes a text that is the same in every part of every type's URLs; a plus is always escaped.
fn push_plain(url: &mut String, text: &str) -> Option<()> {
    let is_plain = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'.' | b'-' | b'_' | b'~');
    let mut rest = text;
    if rest.is_empty() {
        return None;
    }
    while let Some(at) = rest.bytes().position(|byte| !is_plain(byte)) {
        let (plain, other) = rest.split_at(at);
        url.push_str(plain);
        url.push_str("%2B");
        rest = other.strip_prefix('+')?;
    }
    url.push_str(rest);
    Some(())
}

#[cfg(test)]
mod tests;
