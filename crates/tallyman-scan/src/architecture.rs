//! Which platform a program was built for, by its ELF header (System V ABI, "ELF Header").

use tallyman_model::platform::Platform;

/// The bytes of a program that are looked at.
const HEADER_BYTES: usize = 20;

/// Returns the platform of a Linux program, in the names that image indexes use; `None` for what is
/// no ELF file or for a machine without such a name.
pub fn platform_of_program(head: &[u8]) -> Option<Platform> {
    let head = head.first_chunk::<HEADER_BYTES>()?;
    let [0x7f, b'E', b'L', b'F', class, order, ..] = *head else { return None };
    let machine = [*head.get(18)?, *head.get(19)?];
    let machine = match order {
        1 => u16::from_le_bytes(machine),
        2 => u16::from_be_bytes(machine),
        _ => return None,
    };
    // The values of `e_machine`, `EI_CLASS` (1 for 32 bits, 2 for 64) and `EI_DATA` (1 for little
    // endian) that Go has a name for.
    let architecture = match (machine, class, order) {
        (3, 1, 1) => "386",
        (62, 2, 1) => "amd64",
        (40, 1, 1) => "arm",
        (183, 2, 1) => "arm64",
        (243, 2, 1) => "riscv64",
        (258, 2, 1) => "loong64",
        (21, 2, 1) => "ppc64le",
        (21, 2, 2) => "ppc64",
        (22, 2, 2) => "s390x",
        (8, 1, 1) => "mipsle",
        (8, 1, 2) => "mips",
        (8, 2, 1) => "mips64le",
        (8, 2, 2) => "mips64",
        _ => return None,
    };
    Some(Platform { os: "linux".to_owned(), architecture: architecture.to_owned(), variant: None })
}

#[cfg(test)]
mod tests {
    use super::platform_of_program;

    fn named(class: u8, order: u8, machine: [u8; 2]) -> Option<String> {
        let mut head = [0; 64];
        head[..6].copy_from_slice(&[0x7f, b'E', b'L', b'F', class, order]);
        head[18..20].copy_from_slice(&machine);
        platform_of_program(&head).map(|platform| platform.to_string())
    }

    #[test]
    fn machine_word_size_and_byte_order_name_the_platform() {
        assert_eq!(named(2, 1, [62, 0]).as_deref(), Some("linux/amd64"));
        assert_eq!(named(2, 1, [183, 0]).as_deref(), Some("linux/arm64"));
        assert_eq!(named(2, 2, [0, 22]).as_deref(), Some("linux/s390x"));
        assert_eq!(named(2, 1, [21, 0]).as_deref(), Some("linux/ppc64le"));
        assert_eq!(named(1, 1, [62, 0]), None, "the x32 ABI has no name");
        assert_eq!(named(2, 3, [62, 0]), None);
    }

    #[test]
    fn what_is_no_program_names_none() {
        for head in [&b""[..], b"\x7fELF\x02\x01", &[b'M'; 64]] {
            assert_eq!(platform_of_program(head), None);
        }
    }
}
