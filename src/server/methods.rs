//! What servers of every kind can do.

/// The methods of a server that is a newtype over `Rc<Running<_>>`.
macro_rules! server_methods {
    ($address:ty) => {
        /// Has handlers run in `pool`: while it is full, nothing is taken in.
        ///
        /// It has effect from the next that comes. Mirrors gevent's `spawn=Pool(…)`.
        #[must_use = "it is the same server"]
        pub fn pool(self, pool: &crate::Pool) -> Self {
            self.running.settings.borrow_mut().pool = Some(pool.clone());
            self
        }

        /// Sets the shortest and the longest pause after an error for which nobody is to blame,
        /// from the next start.
        ///
        /// Each is twice as long as the one before. Mirrors gevent's `min_delay` and `max_delay`.
        #[must_use = "it is the same server"]
        pub fn back_off(self, shortest: Duration, longest: Duration) -> Self {
            self.running.settings.borrow_mut().back_off = (shortest, longest);
            self
        }

        /// Binds, if it was given an address, and begins to serve, in a greenlet.
        ///
        /// Returns at once, except that a name may have to be resolved. One that is started is left
        /// as it is. One that was stopped can be started again if it was given an address, which it
        /// binds anew. Mirrors `BaseServer.start`.
        ///
        /// # Errors
        ///
        /// Those of binding. [`InvalidInput`](io::ErrorKind::InvalidInput) for settings that
        /// cannot be. [`NotConnected`](io::ErrorKind::NotConnected) if it was stopped, and was not
        /// given an address.
        pub fn start(&self) -> io::Result<()> {
            self.running.start()
        }

        /// Takes nothing in until [`start_accepting`](Self::start_accepting): what comes waits in
        /// the kernel, and handlers go on.
        ///
        /// Returns at once; a second call does nothing. Mirrors `BaseServer.stop_accepting`.
        pub fn stop_accepting(&self) {
            self.running.stop_accepting();
        }

        /// Goes on after [`stop_accepting`](Self::stop_accepting). Returns at once.
        ///
        /// Mirrors `BaseServer.start_accepting`.
        ///
        /// # Errors
        ///
        /// [`NotConnected`](io::ErrorKind::NotConnected) if it is not started.
        pub fn start_accepting(&self) -> io::Result<()> {
            self.running.start_accepting()
        }

        /// Closes its socket, gives handlers `limit` to end, and ends those that have not.
        ///
        /// Returns when none is left, so at the latest a second after `limit`. A handler may call
        /// it: that one goes on, and is not waited for, nor does it wait for others that call it
        /// too. A second stop does nothing, or ends the handlers earlier than the first. A socket
        /// with other handles stays open. The file of a Unix socket stays, as in std. If the caller
        /// is unwound meanwhile, handlers that are left run on; while it unwinds, they are told to
        /// end and not waited for. Mirrors `BaseServer.stop`.
        ///
        /// # Errors
        ///
        /// [`StillRunning`] if some catch what ends them, and are not done within another second.
        pub fn stop(&self, limit: Duration) -> Result<(), StillRunning> {
            self.running.stop(limit)
        }

        /// Starts, unless it is started, and waits until the server has been stopped.
        ///
        /// If the caller is unwound meanwhile, another greenlet stops the server with a limit of a
        /// second. Mirrors `BaseServer.serve_forever`.
        ///
        /// # Errors
        ///
        /// As [`start`](Self::start); and what made it stop by itself, which has closed its socket
        /// and has left its handlers as they were. That the greenlet that accepts was ended, by
        /// [`Hub::end`](crate::Hub::end) for one, is such a thing, of the kind `Other`.
        pub fn serve_forever(&self) -> io::Result<()> {
            self.running.serve_forever()
        }

        /// Where it serves. Mirrors `BaseServer.address`.
        ///
        /// # Errors
        ///
        /// [`NotConnected`](io::ErrorKind::NotConnected) if it has no socket: before a start, if it
        /// was given an address, and after a stop.
        pub fn local_addr(&self) -> io::Result<$address> {
            self.running.local_addr()
        }

        /// Whether it was started and has not stopped since. Mirrors `BaseServer.started`.
        #[must_use]
        pub fn is_started(&self) -> bool {
            self.running.is_started()
        }

        /// Whether it takes in what comes, or does so again when its pool has room.
        #[must_use]
        pub fn is_accepting(&self) -> bool {
            self.running.is_accepting()
        }

        /// How many handlers there are.
        #[must_use]
        pub fn handler_count(&self) -> usize {
            self.running.handlers.len()
        }
    };
}

/// The traits of a server.
macro_rules! server_traits {
    ($server:ident, $source:ident) => {
        impl<S: $source> Clone for $server<S> {
            fn clone(&self) -> Self {
                $server { running: Rc::clone(&self.running) }
            }
        }

        impl<S: $source> fmt::Debug for $server<S> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct(stringify!($server))
                    .field("local_addr", &self.local_addr().ok())
                    .field("is_started", &self.is_started())
                    .field("is_accepting", &self.is_accepting())
                    .field("handler_count", &self.handler_count())
                    .finish()
            }
        }
    };
}

pub(super) use {server_methods, server_traits};
