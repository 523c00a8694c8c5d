//! What several examples need.

/// Lets this process open as many descriptors as its hard limit allows.
///
/// Each connection is one, and the usual soft limit leaves room for a thousand.
pub(crate) fn raise_descriptor_limit() {
    use rustix::process::{Resource, getrlimit, setrlimit};
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    if let Err(error) = setrlimit(Resource::Nofile, limit) {
        eprintln!("the descriptor limit stays as it is: {error}");
    }
}
