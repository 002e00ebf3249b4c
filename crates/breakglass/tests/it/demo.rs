//! The first command of the README.

use crate::support::{code, err, out, run};

#[test]
fn the_demo_plays_every_step_and_exits_0() {
    let output = run(&["demo", "--once"]);
    assert_eq!(code(&output), 0, "{}\n{}", out(&output), err(&output));
    for shown in [
        "CANNOT TELL",
        "BreakGlass01",
        "400 records read, no signal",
        "tries a security key: refused (AADSTS53000) by CA003",
        "the key was right",
        "tries a security key: it is in",
        "refused with 403 by the restricted unit",
        "[CRITICAL] Emergency Access Activity",
        "INC-",
        "acknowledged",
    ] {
        assert!(
            out(&output).contains(shown),
            "{shown} is not shown:\n{}",
            out(&output)
        );
    }
}
