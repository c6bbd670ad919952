// Threads of the operating system: the engine uses no tasks.

public import CApus
private import Glibc
private import Synchronization

/// How a thread stands to those that want its processor too.
package enum ThreadStanding: Sendable {
    case usual
    /// It gets as much, but when it is woken it lets who runs there go on.
    case patient
    /// It gets a tenth.
    case behind
}

/// A running thread; `join` waits for its end.
package final class SystemThread: Sendable {
    private let identifier: Mutex<pthread_t?>

    /// Starts a thread. `name` is what the system shows, cut to 15 bytes.
    package init(
        name: String, standing: ThreadStanding = .usual, _ body: @escaping @Sendable () -> Void
    ) throws(DiskError) {
        let box = unsafe Unmanaged.passRetained(
            ThreadBody(name: name, standing: standing, body: body))
        var thread = pthread_t()
        let code = unsafe pthread_create(
            &thread, nil,
            { argument in
                guard let argument = unsafe argument else { return nil }
                let start = unsafe Unmanaged<ThreadBody>.fromOpaque(argument).takeRetainedValue()
                unsafe capus_name_thread(start.name)
                switch start.standing {
                case .usual: break
                case .patient: capus_be_patient()
                case .behind: capus_stand_back()
                }
                start.body()
                return nil
            }, box.toOpaque())
        guard code == 0 else {
            unsafe box.release()
            throw DiskError(operation: "start thread", path: name, code: code)
        }
        identifier = Mutex(thread)
    }

    /// Waits until the thread has ended. A second call returns at once, and so does one from the
    /// thread itself.
    package func join() {
        let thread = identifier.withLock { held in
            defer { held = nil }
            return held
        }
        guard let thread else { return }
        if pthread_equal(thread, pthread_self()) != 0 {
            // A thread cannot wait for itself; its end frees it then.
            pthread_detach(thread)
        } else {
            pthread_join(thread, nil)
        }
    }

    /// The processor that the calling thread runs on; -1 where the system does not say.
    package static var processor: Int32 { capus_processor() }

    /// Lets another thread run.
    package static func yield() { sched_yield() }

    /// Sleeps for so many nanoseconds.
    package static func sleep(nanoseconds: Int64) {
        var wanted = timespec(
            tv_sec: Int(nanoseconds / 1_000_000_000), tv_nsec: Int(nanoseconds % 1_000_000_000))
        var left = wanted
        while unsafe nanosleep(&wanted, &left) != 0, errno == EINTR { wanted = left }
    }
}

private final class ThreadBody: Sendable {
    let name: String
    let standing: ThreadStanding
    let body: @Sendable () -> Void

    init(name: String, standing: ThreadStanding, body: @escaping @Sendable () -> Void) {
        self.name = name
        self.standing = standing
        self.body = body
    }
}

/// A number that no other thread of the process has as long as this one runs.
@inlinable @inline(__always)
public func threadMark() -> UInt { capus_thread_mark() }
