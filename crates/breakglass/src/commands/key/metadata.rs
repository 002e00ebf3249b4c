//! `key mds import`: FIDO's metadata, verified and kept.

use std::fs;

use super::tables;
use crate::{
    cli::KeyMdsImportArgs,
    clock,
    failure::{Failure, exit},
    file, output,
};

/// Runs `key mds import`.
pub fn import(args: &KeyMdsImportArgs) -> Result<u8, Failure> {
    file::target("--out", &args.out)?;
    file::only_over(
        "--out",
        &args.out,
        &file::Kind {
            noun: "a metadata file of FIDO",
            // The header of a JSON Web Token.
            mark: "eyJ",
            inputs: &[
                ("--root", args.root.as_deref()),
                ("--config", args.common.config.as_deref()),
            ],
        },
    )?;
    let now = clock::clock(args.common.at).now();
    let (metadata, bytes) = tables::metadata(&args.file, args.root.as_deref(), now)?;
    // What is there may be damaged or of another root; then there is nothing to lose.
    let kept = fs::exists(&args.out)
        .unwrap_or(false)
        .then(|| tables::metadata(&args.out, args.root.as_deref(), now).ok())
        .flatten();
    if let Some((kept, _)) = kept
        && kept.number > metadata.number
    {
        return Err(Failure::usage(format!(
            "`{}` has list number {}, which is older than number {} in `{}`",
            args.file.display(),
            metadata.number,
            kept.number,
            args.out.display()
        ))
        .help("fetch the list again; to go back on purpose, name another file with --out"));
    }
    file::write("the FIDO metadata", &args.out, &bytes)?;
    let next = metadata.next_update.map_or_else(String::new, |next| {
        format!("; FIDO publishes the next by {next}")
    });
    let told = format!(
        "The FIDO metadata number {} is verified: {} kinds of keys{next}.\nKept in {}. Revocation of its certificates was \
         not looked up.\n",
        metadata.number,
        metadata.entries().count(),
        args.out.display()
    );
    output::print_done(&told, &format!("`{}` is written", args.out.display()))?;
    Ok(exit::CLEAN)
}
