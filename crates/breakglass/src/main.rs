//! See the library: this is only the way in.

fn main() -> std::process::ExitCode {
    breakglass::main()
}
