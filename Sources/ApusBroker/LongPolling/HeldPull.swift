// A pull that found nothing yet: held until its queue has a message that it wants, or its time is
// over. Publication wakes it; no sweep adds to the time that a message takes.

import ApusRemoting
import ApusStore
import Synchronization

/// A pull, checked: all that it takes to carry it out, now or later.
struct HeldPull: Sendable {
    let connection: Connection
    let key: ReplyKey
    let queue: MessageQueue
    /// Where to read from: moves on past messages that the filter leaves out.
    var offset: Int64
    let count: Int
    let byteCount: Int
    let filter: TagFilter
    let topicFlag: Int32
    let groupFlag: Int32
    /// Takes back the wish to be woken.
    var token: WaitToken?
}

extension BrokerCore {
    /// Parks a pull until `deadline`, in milliseconds by `now`. Answers false when too many wait.
    func hold(_ pull: HeldPull, until deadline: Int64) -> Bool {
        let ticket = held.withLock { held -> ParkingTicket? in
            guard held.count < configuration.pulling.heldLimit else { return nil }
            return held.park(pull, until: deadline)
        }
        guard let ticket else { return false }
        let token = store.whenReadable(pull.queue, offset: pull.offset) { [self] in
            wake(ticket, until: deadline)
        }
        // It may have been woken already: then there is nobody to give the token to.
        held.withLock { $0.change(ticket) { $0.token = token } }
        return true
    }

    /// A message is there. On the thread that published it, which is not to do our work.
    private func wake(_ ticket: ParkingTicket, until deadline: Int64) {
        guard let pull = held.withLock({ $0.take(ticket) }) else { return }
        pull.connection.execute { [self] in
            guard pull.connection.isOpen else { return }
            finish(pull) { again in
                // Nothing that it wants: it goes on waiting behind what it has seen.
                now < deadline && hold(again, until: deadline)
            }
        }
    }

    /// Answers the pulls whose time is over. Called by a timer.
    func answerExpiredPulls() {
        for pull in held.withLock({ $0.takeExpired(now: now) }) {
            pull.token?.cancel()
            finish(pull) { _ in false }
        }
    }

    /// Forgets the pulls of a connection that is gone.
    func dropPulls(of connection: Connection) {
        let id = connection.id
        for pull in held.withLock({ $0.take { $0.connection.id == id } }) { pull.token?.cancel() }
    }

    /// Answers all pulls, for shutdown: clients ask another time.
    func answerAllPulls() {
        for pull in held.withLock({ $0.take { _ in true } }) {
            pull.token?.cancel()
            finish(pull) { _ in false }
        }
    }
}
