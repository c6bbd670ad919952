// Which queues are the member's: looked at again and again, and at once when members or routes
// change. When it cannot be found out, everything stays as it is.

internal import ApusFormat
internal import ApusRemoting
internal import Logging
internal import Synchronization

extension GroupMember {
    /// Looks once. False: something could not be found out, or is not the member's yet.
    func rebalance(in tasks: inout DiscardingTaskGroup) async -> Bool {
        var isWhole = true
        var routes: [(Subscription, TopicRoute)] = []
        for subscription in subscriptions {
            do throws(ClientError) {
                let route = try await core.routes.route(
                    of: subscription.topic, creates: false,
                    until: Deadline(after: configuration.client.requestTimeout))
                routes.append((subscription, route))
                state.withLock { _ = $0.missing.remove(subscription.topic) }
            } catch {
                // The group's retry topic is made when brokers first hear of the group.
                let isNew = state.withLock { $0.missing.insert(subscription.topic).inserted }
                if isNew, subscription.topic != configuration.retryTopic {
                    logger.warning("nothing is read yet", metadata: ["reason": "\(error)"])
                }
                isWhole = false
            }
        }
        if membership != .assigned { await introduce(routes.map(\.1)) }
        for (subscription, route) in routes {
            if isStopping { return true }
            do throws(ClientError) {
                let own = try await ownQueues(route)
                if !(await take(own, of: subscription, in: &tasks)) { isWhole = false }
            } catch {
                logger.warning(
                    "who has which queues could not be found out: it stays as it is",
                    metadata: ["topic": "\(subscription.topic)", "reason": "\(error)"])
                isWhole = false
            }
        }
        return isWhole
    }

    /// Tells brokers that do not know the member yet: they would not list it.
    private func introduce(_ routes: [TopicRoute]) async {
        let addresses = Set(routes.flatMap { $0.groups.flatMap(\.addresses.values) })
        let isNew = state.withLock { state in
            if addresses.isSubset(of: state.told) { return false }
            state.told.formUnion(addresses)
            return true
        }
        if isNew { await core.sendHeartbeat(heartbeatBody, toMastersOnly: false) }
    }

    private func ownQueues(_ route: TopicRoute) async throws(ClientError) -> Set<MessageQueue> {
        if membership == .assigned {
            return state.withLock { $0.assigned.filter { $0.topic == route.topic } }
        }
        let queues = route.readable.sorted()
        if configuration.model == .broadcasting { return Set(queues) }
        if queues.isEmpty { return [] }
        let id = core.identity.id
        let members = try await members(route)
        guard members.contains(id) else {
            heartbeat.ring()
            throw ClientError(
                .badAnswer, "looking for the members of \(configuration.group)",
                "the broker does not list this one yet")
        }
        return Set(configuration.allocation.queues(of: id, among: members, queues))
    }

    /// The ids of all members, in the order in which all of them see them.
    private func members(_ route: TopicRoute) async throws(ClientError) -> [String] {
        let attempt = "looking for the members of \(configuration.group)"
        let request = RemotingCommand.request(
            .getConsumerListByGroup, fields: ["consumerGroup": configuration.group])
        var failure = ClientError(.noRoute, attempt, "\(route.topic) has no broker")
        for address in route.allAddresses {
            do throws(ClientError) {
                let answer = try await core.demand(request, on: address, attempt)
                let json = try? JSON(parsing: answer.body.rawSpan)
                let ids = json?["consumerIdList"]?.array?.compactMap(\.string) ?? []
                if !ids.isEmpty { return ids.sorted { $0.isBefore($1) } }
                failure = ClientError(.badAnswer, attempt, "\(address) lists nobody")
            } catch {
                // It knows nobody of the group, this one neither.
                if case .refused = error.kind { heartbeat.ring() }
                failure = error
            }
        }
        throw failure
    }

    /// Lets go of what is somebody else's, and takes what is new. False: not all of it could be
    /// taken yet.
    private func take(
        _ own: Set<MessageQueue>, of subscription: Subscription,
        in tasks: inout DiscardingTaskGroup
    ) async -> Bool {
        let (lost, found) = state.withLock { state -> ([HeldQueue], [MessageQueue]) in
            let held = state.held.values.filter { $0.queue.topic == subscription.topic }
            let lost = held.filter { !own.contains($0.queue) && !$0.isDropped }
            return (lost, own.filter { state.held[$0] == nil })
        }
        for held in lost {
            logger.debug("handing over", metadata: ["queue": "\(held.queue)"])
            drop(held)
            tasks.addTask { await self.release(held) }
        }
        let isReleasing = state.withLock { !$0.releasing.isDisjoint(with: own) }
        let free = hasLocks ? await lockOrWait(found, own, of: subscription.topic) : found
        let begun = await begin(free, of: subscription)
        for held in begun {
            logger.debug("taking", metadata: ["queue": "\(held.queue)"])
            let reader = QueueReader(
                held: held, core: core, configuration: configuration, subscription: subscription,
                subscriptionVersion: version, sink: sink, heartbeat: heartbeat,
                isOrderly: isOrderly, needsLock: isOrderly && hasLocks)
            tasks.addTask { await reader.run() }
            if let runOrderly { tasks.addTask { await runOrderly(held) } }
        }
        return begun.count == found.count && !isReleasing
    }

    /// Finds out where reading begins, side by side for all queues.
    private func begin(
        _ queues: [MessageQueue], of subscription: Subscription
    ) async -> [HeldQueue] {
        let isRetry = subscription.topic == configuration.retryTopic
        let found = await withTaskGroup(of: HeldQueue?.self) { starts in
            for queue in queues {
                starts.addTask {
                    do throws(ClientError) {
                        let (offset, committed) = try await self.start(of: queue, isRetry: isRetry)
                        return HeldQueue(
                            queue, isRetry: isRetry, isExplicit: self.membership != .called,
                            at: offset, committed: committed)
                    } catch {
                        self.logger.warning(
                            "a queue is not read yet: where to begin is not known",
                            metadata: ["queue": "\(queue)", "reason": "\(error)"])
                        return nil
                    }
                }
            }
            return await starts.reduce(into: [HeldQueue]()) { all, one in
                if let one { all.append(one) }
            }
        }
        state.withLock { state in
            for held in found {
                state.held[held.queue] = held
                if let offset = state.seeks.removeValue(forKey: held.queue) {
                    held.reset(to: offset)
                }
                if state.isPaused { held.setPaused(true) }
                if hasLocks { held.locked(until: .now.advanced(by: Self.lockLife)) }
            }
        }
        return found
    }

    private func start(
        of queue: MessageQueue, isRetry: Bool
    ) async throws(ClientError) -> (offset: Int64, committed: Int64?) {
        if let kept = try await keeper.offset(of: queue) { return (kept, kept) }
        let questions = QueueQuestions(core: core)
        // What comes again is for this group alone: nothing of it is too old.
        if isRetry { return (try await questions.minimumOffset(of: queue), nil) }
        let offset =
            switch configuration.start {
            case .last: try await questions.maximumOffset(of: queue)
            case .first: try await questions.minimumOffset(of: queue)
            case .time(let time): try await questions.offset(of: queue, at: time)
            }
        return (offset, nil)
    }
}
