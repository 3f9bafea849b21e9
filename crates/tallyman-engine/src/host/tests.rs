use std::fs;
use std::path::Path;

use super::HostReader;

fn write(root: &Path, path: &str, text: &str) {
    let path = root.join(path);
    fs::create_dir_all(path.parent().expect("a parent")).expect("directories");
    fs::write(path, text).expect("a file");
}

#[test]
fn facts_are_read_from_the_kernels_files() {
    let root = tempfile::tempdir().expect("a directory");
    let root = root.path();
    write(root, "etc/os-release", "ID=debian\nPRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\n");
    write(root, "proc/sys/kernel/hostname", "quay-7\n");
    write(root, "proc/sys/kernel/osrelease", "6.1.0-28-amd64\n");
    write(root, "proc/cpuinfo", "processor\t: 0\nmodel name\t: X 9000\nprocessor\t: 1\n");
    write(root, "proc/meminfo", "MemTotal:       16384000 kB\nMemFree: 1 kB\n");
    write(
        root,
        "proc/net/fib_trie",
        "Local:\n  |-- 10.1.2.3\n     /32 host LOCAL\n  |-- 10.1.2.255\n     /32 link BROADCAST\n  \
         |-- 127.0.0.1\n     /32 host LOCAL\n",
    );
    write(root, "proc/net/if_inet6", "fe800000000000000000000000000001 02 40 20 80 eth0\n");
    write(root, "sys/class/net/eth0/address", "52:54:00:AB:cd:01\n");
    write(root, "sys/class/net/lo/address", "00:00:00:00:00:00\n");

    let facts = HostReader::new(root).facts();
    assert_eq!(facts.hostname, "quay-7");
    assert_eq!(facts.os_name.as_deref(), Some("Debian GNU/Linux 12 (bookworm)"));
    assert_eq!(facts.kernel.as_deref(), Some("6.1.0-28-amd64"));
    assert_eq!((facts.cores, facts.memory_mib), (Some(2), Some(16_000)));
    assert_eq!(facts.cpu_model.as_deref(), Some("X 9000"));
    assert_eq!(facts.ip_addresses, ["10.1.2.3"]);
    assert_eq!(facts.mac_addresses, ["52:54:00:ab:cd:01"]);
}

#[test]
fn a_uuid_stays_with_the_machine_and_differs_on_its_clone() {
    let root = tempfile::tempdir().expect("a directory");
    let root = root.path();
    assert_eq!(HostReader::new(root).uuid(), None);

    write(root, "etc/machine-id", "0123456789abcdef0123456789abcdef\n");
    write(root, "sys/class/dmi/id/product_uuid", "4C4C4544-0042-3510-8052-B4C04F4E3132\n");
    let first = HostReader::new(root).uuid().expect("a uuid");
    assert_eq!(HostReader::new(root).uuid(), Some(first.clone()));
    assert_eq!(first.as_str().len(), 36);

    write(root, "sys/class/dmi/id/product_uuid", "4C4C4544-0042-3510-8052-B4C04F4E3133\n");
    assert_ne!(HostReader::new(root).uuid(), Some(first));
}
