// Background work in steps. Threads are policy: a test steps an agent by hand, a store gives it
// one.

package import ApusSystem

/// A piece of background work that is done a step at a time.
package protocol Agent: AnyObject, Sendable {
    /// Names the thread.
    var roleName: String { get }
    /// How long to sleep when there was nothing to do; nil: until the signal rings.
    var idleNanoseconds: Int64? { get }
    /// How long its thread rests when there was work: whoever rings then is heard later.
    var restNanoseconds: Int64 { get }
    /// How its thread stands to those that want its processor: behind them where nobody waits for
    /// what it does.
    var standing: ThreadStanding { get }
    /// Whether its thread goes to another processor than that of who rang, who has more to do and
    /// does not wait. Not worth it for work of some microseconds.
    var leavesRinger: Bool { get }
    /// Rung when there may be work.
    var signal: Signal { get }
    /// Does what is there to do now; 0 when there was nothing.
    func doWork() -> Int
}

extension Agent {
    package var restNanoseconds: Int64 { 0 }
    package var standing: ThreadStanding { .behind }
    package var leavesRinger: Bool { true }
}

/// Runs one agent on a thread of its own.
package final class AgentRunner: Sendable {
    private let agent: any Agent
    private let isStopping = Flag()
    private let thread: SystemThread

    package init(_ agent: any Agent) throws(StoreError) {
        self.agent = agent
        let isStopping = isStopping
        do throws(DiskError) {
            thread = try SystemThread(
                name: "apus-\(agent.roleName)", standing: agent.standing
            ) {
                while !isStopping.isSet {
                    let seen = agent.signal.current
                    if agent.doWork() > 0 {
                        let rest = agent.restNanoseconds
                        if rest > 0, !isStopping.isSet { SystemThread.sleep(nanoseconds: rest) }
                        continue
                    }
                    if isStopping.isSet { break }
                    agent.signal.wait(after: seen, nanoseconds: agent.idleNanoseconds)
                    if agent.leavesRinger { agent.signal.leaveRinger() }
                }
            }
        } catch {
            throw .file(error)
        }
    }

    /// Lets the step under way end, then the thread.
    package func stop() {
        _ = isStopping.set()
        agent.signal.ring()
        thread.join()
    }
}
