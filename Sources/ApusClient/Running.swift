// Something that works in the background, as long as somebody needs it.

/// Does `work` beside `body`, cancels it when that has ended, and waits for its end.
func runningBeside<Value: Sendable>(
    _ work: @escaping @Sendable () async throws -> Void, _ body: () async throws -> Value
) async throws -> Value {
    try await withThrowingTaskGroup(of: Void.self) { tasks in
        tasks.addTask { try await work() }
        let result: Result<Value, any Error>
        do { result = .success(try await body()) } catch { result = .failure(error) }
        tasks.cancelAll()
        do { try await tasks.waitForAll() } catch {
            // What went wrong first is what is told.
            _ = try result.get()
            throw error
        }
        return try result.get()
    }
}
