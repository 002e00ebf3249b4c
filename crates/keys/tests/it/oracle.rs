//! Yubico's own client against the software authenticator, over the same reports. `./test` installs it and says where by an
//! environment variable; without that the test says that it is skipped.

use std::{env, path::Path, process::Command};

#[test]
fn x7_an_independent_client_understands_the_software_key() {
    let Some(python) = env::var_os("BREAKGLASS_TEST_KEYS_PYTHON") else {
        assert!(
            env::var_os("BREAKGLASS_TEST_REQUIRED").is_none(),
            "BREAKGLASS_TEST_KEYS_PYTHON is not set"
        );
        println!("skipped: BREAKGLASS_TEST_KEYS_PYTHON is not set; ./test installs what it names");
        return;
    };
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/oracle");
    // Examples are built with the tests and lie beside them.
    let key = env::current_exe()
        .unwrap()
        .ancestors()
        .nth(2)
        .unwrap()
        .join("examples/soft_key");
    let output = Command::new(python)
        .arg(folder.join("client.py"))
        .arg(&key)
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}: {told}", key.display());
}
