// The table of keys: all that RocketMQ 5.3.3 reads from a `broker.conf`, and what each does here.
//
// `docs/broker.md` says the same with defaults and meanings; a test holds the two together.

import ApusStore

// MARK: - Keys that set something

extension ConfigurationKey {
    static let honoured: [ConfigurationKey] =
        identity + access + network + creation + serving + files + flushing + cleaning

    private static let longest: Int64 = 1 << 40

    private static let identity: [ConfigurationKey] = [
        text("brokerClusterName", \.clusterName),
        text("brokerName", \.name),
        other("brokerId", \.brokerID, Forms.masterID, { "\($0)" }),
        other("brokerPermission", \.permission, Forms.permission, { "\($0.rawValue)" }),
        text("regionId", \.regionID),
        flag("traceOn", \.isTraceOn),
        number("startAcceptSendRequestTimeStamp", \.acceptsSendsFrom, 0 ... .max),
    ]

    private static let access: [ConfigurationKey] = [
        flag("aclEnable", \.access.isEnabled),
        other("rocketmqHome", \.access.home, Forms.home, { $0 ?? "" }),
    ]

    private static let network: [ConfigurationKey] = [
        text("bindAddress", \.network.bindAddress),
        number("listenPort", \.network.port, 0...65535),
        optional("brokerIP1", \.network.advertisedHost),
        optional("brokerIP2", \.network.replicationHost),
        number("haListenPort", \.network.replicationPort, 0...65535),
        number("serverChannelMaxIdleTimeSeconds", \.network.idleSeconds, 1...86400),
        other(
            "serverSelectorThreads", \.network.eventLoopThreads,
            { (text) throws(ValueComplaint) in try number(text, 1...1024) },
            { $0.map { "\($0)" } ?? "" }),
        number("serverSocketBacklog", \.network.backlog, 1...1 << 20),
        number("channelExpiredTimeout", \.network.clientExpiryMilliseconds, 1...longest),
        other(
            "namesrvAddr", \.registration.nameServers, Forms.nameServers,
            { $0.joined(separator: ";") }),
        other(
            "registerNameServerPeriod", \.registration.periodMilliseconds, Forms.period,
            { "\($0)" }),
        number("registerBrokerTimeoutMills", \.registration.timeoutMilliseconds, 1...longest),
        flag("forceRegister", \.registration.isForced),
        flag("compressedRegister", \.registration.isCompressed),
    ]

    private static let creation: [ConfigurationKey] = [
        flag("autoCreateTopicEnable", \.topics.createsOnSend),
        number("defaultTopicQueueNums", \.topics.queues, 1...TopicTable.queueLimit),
        flag("clusterTopicEnable", \.topics.isClusterTopicOpen),
        flag("brokerTopicEnable", \.topics.isBrokerTopicOpen),
        flag("traceTopicEnable", \.topics.hasTraceTopic),
        text("msgTraceTopicName", \.topics.traceTopicName),
        number("maxTopicLength", \.topics.nameLimit, 1...127),
        number("reviveQueueNum", \.topics.reviveQueues, 1...TopicTable.queueLimit),
        flag("validateSystemTopicWhenUpdateTopic", \.topics.protectsSystemTopics),
        flag("clearRetryTopicWhenDeleteTopic", \.topics.removesRetryTopics),
        flag("autoCreateSubscriptionGroup", \.groups.createsOnUse),
        flag("enableCreateSysGroup", \.groups.createsSystemGroups),
        flag("notifyConsumerIdsChangedEnable", \.groups.notifiesConsumerChanges),
    ]

    private static let serving: [ConfigurationKey] = [
        number("sendThreadPoolQueueCapacity", \.sending.waitingLimit, 1...1 << 30),
        number("replyThreadPoolQueueCapacity", \.sending.waitingReplyLimit, 1...1 << 30),
        flag("storeReplyMessageEnable", \.sending.storesReplies),
        flag("longPollingEnable", \.pulling.holdsPulls),
        number("shortPollingTimeMills", \.pulling.shortPollMilliseconds, 1...longest),
        number("pullThreadPoolQueueCapacity", \.pulling.heldLimit, 1...1 << 30),
        number("maxTransferBytesOnMessageInMemory", \.pulling.hotByteCount, 1...1 << 30),
        number("maxTransferCountOnMessageInMemory", \.pulling.hotCount, 1...1 << 20),
        number("accessMessageInMemoryMaxRatio", \.pulling.memoryPercent, 0...100),
        number("pullBatchMaxMessageCount", \.pulling.batchLimit, 1...1 << 20),
        number("maxFilterMessageSize", \.pulling.filteredByteCount, 20...1 << 30),
        number("maxMsgsNumBatch", \.pulling.indexQueryLimit, 1...1 << 20),
        number("defaultQueryMaxNum", \.pulling.indexQueryCount, 1...1 << 20),
        flag("useServerSideResetOffset", \.pulling.keepsResets),
        number("flushConsumerOffsetInterval", \.offsets.intervalMilliseconds, 1...longest),
        number("consumerOffsetUpdateVersionStep", \.offsets.versionStep, 1...1 << 30),
        other("messageDelayLevel", \.delay.levels, Forms.levels, Forms.text(levels:)),
        number("flushDelayOffsetInterval", \.delay.intervalMilliseconds, 1...longest),
        number("delayOffsetUpdateVersionStep", \.delay.versionStep, 1...1 << 30),
        flag("rejectTransactionMessage", \.transactions.isRefused),
        number("transactionTimeOut", \.transactions.timeoutMilliseconds, 0...longest),
        number("transactionCheckMax", \.transactions.checkLimit, 1...1 << 20),
        number("transactionCheckInterval", \.transactions.intervalMilliseconds, 1...longest),
    ]

    private static let files: [ConfigurationKey] = [
        other("storePathRootDir", \.storePath, Forms.directory, { $0 }),
        other("storePathCommitLog", \.store.commitLog.path, Forms.optionalDirectory, { $0 ?? "" }),
        number("mappedFileSizeCommitLog", \.store.commitLog.segmentByteCount, 1 ... .max),
        flag("warmMapedFileEnable", \.store.commitLog.populatesWholeSegment),
        other(
            "mappedFileSizeConsumeQueue", \.store.queues.fileByteCount, Forms.queueByteCount,
            { "\($0)" }),
        flag("messageIndexEnable", \.store.index.isEnabled),
        number("maxHashSlotNum", \.store.index.slotCount, 1 ... .max),
        number("maxIndexNum", \.store.index.entryCapacity, 1 ... .max),
        number("maxMessageSize", \.store.limits.bodyByteCount, 1 ... .max),
        flag("enabledAppendPropCRC", \.store.integrity.appendsRecordChecksum),
        flag("forceVerifyPropCRC", \.store.integrity.requiresRecordChecksum),
        flag("checkCRCOnRecover", \.store.integrity.checksBodyOnRecovery),
    ]

    private static let flushing: [ConfigurationKey] = [
        other("flushDiskType", \.store.flush.mode, Forms.flushMode, Forms.text(mode:)),
        number("flushIntervalCommitLog", \.store.flush.intervalMilliseconds, 1...longest),
        number("flushCommitLogLeastPages", \.store.flush.leastPages, 0...1 << 30),
        number(
            "flushCommitLogThoroughInterval", \.store.flush.thoroughIntervalMilliseconds,
            0...longest),
        flag("wakeFlushWhenPutMessage", \.store.flush.wakesOnAppend),
        number("syncFlushTimeout", \.store.flush.syncTimeoutMilliseconds, 1...longest),
        other(
            "transientStorePoolEnable", \.store.commitLog.writer, Forms.writer,
            { "\($0 == .pageAligned)" }),
        number("flushIntervalConsumeQueue", \.store.queues.flushIntervalMilliseconds, 0...longest),
        number("flushConsumeQueueLeastPages", \.store.queues.flushLeastPages, 0...1 << 30),
        number(
            "flushConsumeQueueThoroughInterval", \.store.queues.thoroughIntervalMilliseconds,
            0...longest),
    ]

    private static let cleaning: [ConfigurationKey] = [
        other("deleteWhen", \.store.retention.deleteHours, Forms.hours, Forms.text(hours:)),
        number("fileReservedTime", \.store.retention.reservedHours, 0...1 << 20),
        percent("diskMaxUsedSpaceRatio", \.store.retention.maximumUsedPercent, 10...95),
        percent("diskSpaceCleanForciblyRatio", \.store.retention.forcibleUsedPercent, 30...85),
        percent("diskSpaceWarningLevelRatio", \.store.retention.warningUsedPercent, 35...90),
        flag("cleanFileForciblyEnable", \.store.retention.cleansForcibly),
        number("cleanResourceInterval", \.store.retention.intervalMilliseconds, 0...longest),
        number(
            "deleteCommitLogFilesInterval", \.store.retention.deleteIntervalMilliseconds,
            0...longest),
        number("deleteFileBatchMax", \.store.retention.deleteBatchLimit, 1...1 << 20),
    ]
}

// MARK: - Keys that may ask for what is not there

extension ConfigurationKey {
    /// Each with the values that it may have.
    static let limited: [ConfigurationKey] =
        [
            only(
                because: "there is no replication: every broker is a master with one copy",
                """
                brokerRole=ASYNC_MASTER haMasterAddress= totalReplicas=1 inSyncReplicas=1
                minInSyncReplicas=1 allAckInSyncStateSet=false enableAutoInSyncReplicas=false
                duplicationEnable=false enableSlaveActingMaster=false enableRemoteEscape=false
                asyncLearner=false
                """),
            only(
                because: "there is no controller and no Raft log",
                """
                enableControllerMode=false fetchControllerAddrByDnsLookup=false
                enableDLegerCommitLog=false inBrokerContainer=false
                """),
            only(
                because: "there is no ACL 2.0, and a broker that was to have it must not run "
                    + "without; aclEnable is ACL 1.0",
                """
                authenticationEnabled=false authorizationEnabled=false
                migrateAuthFromV1Enabled=false
                """),
            only(
                because: "NameServers are named in namesrvAddr and not looked up",
                """
                fetchNameSrvAddrByDnsLookup=false fetchNamesrvAddrByAddressServer=false
                """),
            only(
                because: "connections to NameServers go through no proxy",
                """
                socksProxyConfig=|{}
                """),
            only(
                because: "the store is RocketMQ's own: a CommitLog with ConsumeQueues, and "
                    + "state in JSON",
                """
                storeType=default messageStorePlugIn= configManagerVersion=v1
                rocksdbCQDoubleWriteEnable=false readOnlyCommitLogStorePaths=
                """),
            only(
                because: "there is no filtering by properties",
                """
                enablePropertyFilter=false enableCalcFilterBitMap=false
                enableConsumeQueueExt=false filterSupportRetry=false
                """),
            only(
                because: "there are no light queues",
                """
                enableLmq=false enableMultiDispatch=false
                """),
            only(
                because: "there is no such thing as a POP consumer here",
                """
                defaultMessageRequestMode=PULL
                """),
            only(
                because: "no metrics are exported",
                """
                metricsExporterType=DISABLE
                """),
            only(
                because: "pulls are not slowed down by what they read from the device",
                """
                coldDataFlowControlEnable=false coldCtrStrategyEnable=false
                """),
            only(
                because: "all sorts of consumers are served",
                """
                rejectPullConsumerEnable=false disableConsumeIfConsumerReadSlowly=false
                useStaticSubscription=false
                """),
            only(
                because: "no message can be recalled",
                """
                recallMessageEnable=false
                """),
            only(
                because: "a topic has one type of message",
                """
                enableMixedMessageType=false
                """),
            only(
                because: "consumers see what an acknowledgement covers, and nothing before",
                """
                readUnCommitted=false
                """),
            only(
                because: "offsets are kept until their topic or group is removed",
                """
                enableCleanExpiredOffset=false
                """),
            only(
                because: "the disk is this broker's own",
                """
                replicasPerDiskPartition=1
                """),
            only(
                because: "a broker registers when it starts",
                """
                disappearTimeAfterStart=-1
                """),
        ].flatMap { $0 }
}

// MARK: - Keys that make no difference

extension ConfigurationKey {
    static let idle: [ConfigurationKey] =
        [
            noEffect(
                because: "work is done on event loops and in the store, without pools, queues "
                    + "and buffers of these sizes",
                """
                sendMessageThreadPoolNums putMessageFutureThreadPoolNums pullMessageThreadPoolNums
                litePullMessageThreadPoolNums ackMessageThreadPoolNums
                processReplyMessageThreadPoolNums queryMessageThreadPoolNums
                adminBrokerThreadPoolNums clientManageThreadPoolNums consumerManageThreadPoolNums
                loadBalanceProcessorThreadPoolNums heartbeatThreadPoolNums recoverThreadPoolNums
                endTransactionThreadPoolNums putThreadPoolQueueCapacity
                litePullThreadPoolQueueCapacity ackThreadPoolQueueCapacity
                queryThreadPoolQueueCapacity
                clientManagerThreadPoolQueueCapacity consumerManagerThreadPoolQueueCapacity
                heartbeatThreadPoolQueueCapacity endTransactionPoolQueueCapacity
                adminBrokerThreadPoolQueueCapacity loadBalanceThreadPoolQueueCapacity
                brokerFastFailureEnable waitTimeMillsInSendQueue
                waitTimeMillsInPullQueue waitTimeMillsInLitePullQueue
                waitTimeMillsInHeartbeatQueue waitTimeMillsInTransactionQueue
                waitTimeMillsInAckQueue waitTimeMillsInAdminBrokerQueue asyncSendEnable
                maxAsyncPutMessageRequests serverWorkerThreads serverCallbackExecutorThreads
                serverOnewaySemaphoreValue serverAsyncSemaphoreValue serverNettyWorkerGroupEnable
                serverPooledByteBufAllocatorEnable useEpollNativeSelector serverSocketSndBufSize
                serverSocketRcvBufSize writeBufferHighWaterMark writeBufferLowWaterMark
                enableShutdownGracefully shutdownWaitTimeSeconds transferMsgByHeap highSpeedMode
                enableNetWorkFlowControl enableFastChannelEventProcess printChannelGroups
                printChannelGroupsMinNum appendAckAsync appendCkAsync
                """),
            noEffect(
                because: "the broker is a client of NameServers only, over one connection to "
                    + "each",
                """
                clientWorkerThreads clientCallbackExecutorThreads clientOnewaySemaphoreValue
                clientAsyncSemaphoreValue connectTimeoutMillis channelNotActiveInterval
                clientChannelMaxIdleTimeSeconds clientSocketSndBufSize clientSocketRcvBufSize
                clientPooledByteBufAllocatorEnable clientCloseSocketIfTimeout
                disableCallbackExecutor disableNettyWorkerGroup maxReconnectIntervalTimeSeconds
                enableReconnectForGoAway enableTransparentRetry scanAvailableNameSrv
                updateNameServerAddrPeriod fetchNamesrvAddrInterval rmqAddressServerDomain
                rmqAddressServerSubGroup
                """),
            noEffect(
                because: "the lock of the CommitLog is one of a kind, and held for nanoseconds",
                """
                useReentrantLockWhenPutMessage useABSLock spinLockCollisionRetreatOptimalDegree
                topicQueueLockNum debugLockEnable putMessageTimeout osPageCacheBusyTimeOutMills
                """),
            noEffect(
                because: "ConsumeQueues are written when a message is published, and the index"
                    + " right behind",
                """
                dispatchFromSenderThread enableAsyncReput dispatchCqThreads dispatchCqCacheNum
                enableBatchPush enableBuildConsumeQueueConcurrently
                batchDispatchRequestThreadPoolNums putConsumeQueueDataByFileChannel
                putMsgIndexHightWater messageIndexSafe recheckReputOffsetFromCq
                """),
            noEffect(
                because: "the page-aligned writer takes the place of the pool, and a failed "
                    + "sync always ends writing",
                """
                transientStorePoolSize fastFailIfNoBufferInStorePool commitIntervalCommitLog
                commitCommitLogLeastPages commitCommitLogThoroughInterval wakeCommitWhenPutMessage
                flushLeastPagesWhenWarmMapedFile writeWithoutMmap enableRunningFlagsInFlush
                flushCommitLogTimed
                """),
            noEffect(
                because: "recovery goes by the durable mark, and reads the log once",
                """
                recoverConcurrently maxRecoveryCommitlogFiles enableAcceleratedRecovery
                enableLogConsumeQueueRepeatedlyBuildWhenRecover correctLogicMinOffsetSleepInterval
                correctLogicMinOffsetForceInterval maxChecksumRange
                """),
            noEffect(
                because: "files give their memory back by themselves, and go when nobody reads"
                    + " them",
                """
                mappedFileSwapEnable commitLogForceSwapMapInterval commitLogSwapMapInterval
                commitLogSwapMapReserveFileNum logicQueueForceSwapMapInterval
                logicQueueSwapMapInterval logicQueueSwapMapReserveFileNum cleanSwapedMapInterval
                destroyMapedFileIntervalForcibly redeleteHangedFileInterval
                deleteConsumeQueueFilesInterval maxBatchDeleteFilesNum
                logicalDiskSpaceCleanForciblyThreshold
                """),
            noEffect(
                because: "a pull is answered alike from memory and from the device",
                """
                maxTransferBytesOnMessageInDisk maxTransferCountOnMessageInDisk
                accessMessageInMemoryHotRatio diskFallRecorded travelCqFileNumWhenGetMessage
                maxConsumeQueueScan sampleCountThreshold sampleSteps searchBcqByCacheEnable
                dataReadAheadEnable coldDataScanEnable usePIDColdCtrStrategy cgColdReadThreshold
                globalColdReadThreshold timerColdDataCheckIntervalMs slaveReadEnable
                consumerFallbehindThreshold
                """),
            noEffect(
                because: "there is no replication",
                """
                haSendHeartbeatInterval haHousekeepingInterval haTransferBatchSize
                haMaxGapNotInSync haFlowControlEnable maxHaTransferByteInSecond
                haMaxTimeSlaveNotCatchup slaveTimeout offsetCheckInSlave
                syncMasterFlushOffsetWhenStartup maxSlaveResendLength syncFromLastFile
                lockInStrictMode forwardTimeout brokerElectionPriority skipPreOnline
                storePathEpochFile storePathBrokerIdentity
                """),
            noEffect(
                because: "there is no controller, no Raft log and no acting master",
                """
                controllerAddr syncBrokerMetadataPeriod checkSyncStateSetPeriod
                syncControllerMetadataPeriod controllerHeartBeatTimeoutMills
                brokerHeartbeatInterval brokerNotActiveTimeoutMillis sendHeartbeatTimeoutMillis
                syncBrokerMemberGroupPeriod compatibleWithOldNameSrv cleanOfflineBrokerInterval
                storePathDLedgerCommitLog dLegerGroup dLegerPeers dLegerSelfId preferredLeaderId
                isolateLogEnable
                """),
            noEffect(
                because: "a registration holds all that is new in one request",
                """
                enableSplitRegistration splitRegistrationSize enableSingleTopicRegister
                enableSplitMetadata splitMetadataSize
                """),
            noEffect(
                because: "delays have levels; there is no timer wheel, and a send that asks for a "
                    + "time is refused",
                """
                mappedFileSizeTimerLog timerPrecisionMs timerRollWindowSlot timerFlushIntervalMs
                timerGetMessageThreadNum timerPutMessageThreadNum timerEnableDisruptor
                timerEnableCheckMetrics timerInterceptDelayLevel timerMaxDelaySec timerWheelEnable
                timerStopEnqueue timerCheckMetricsWhen timerSkipUnknownError timerWarmEnable
                timerStopDequeue timerEnableRetryUntilSuccess timerCongestNumEachSlot
                timerMetricSmallThreshold timerProgressLogIntervalMs timerWheelSnapshotFlush
                timerWheelSnapshotIntervalMs
                """),
            noEffect(
                because: "due messages are delivered one behind the other",
                """
                enableScheduleAsyncDeliver scheduleAsyncDeliverMaxPendingLimit
                scheduleAsyncDeliverMaxResendNum2Blocked enableScheduleMessageStats
                """),
            noEffect(
                because: "there are no POP consumers, and clients share queues among themselves",
                """
                popPollingSize popPollingMapSize popPollingMapExpireTimeSeconds maxPopPollingSize
                reviveInterval reviveMaxSlow reviveScanTime enableSkipLongAwaitingAck
                reviveAckWaitMs enablePopLog enablePopBufferMerge popCkStayBufferTime
                popCkStayBufferTimeOut popCkMaxBufferSize popCkOffsetMaxQueueSize
                enablePopBatchAck popLongPollingForceNotifyInterval
                enableNotifyBeforePopCalculateLag enableNotifyAfterPopOrderLockRelease
                initPopOffsetByCheckMsgInMem retrieveMessageFromPopRetryTopicV1 enableRetryTopicV2
                popFromRetryProbability popConsumerFSServiceInit popConsumerKVServiceLog
                popConsumerKVServiceInit popConsumerKVServiceEnable popReviveMaxReturnSizePerRead
                popReviveMaxAttemptTimes popResponseReturnActualRetryTopic
                popInflightMessageThreshold enablePopMessageThreshold skipWhenCKRePutReachMaxTimes
                defaultPopShareQueueNum serverLoadBalancerEnable loadBalancePollNameServerInterval
                realTimeNotifyConsumerChange litePullMessageEnable
                """),
            noEffect(
                because: "each end of a transaction is noted at once, and no metrics are kept",
                """
                transactionMetricFlushInterval transactionOpMsgMaxSize transactionOpBatchInterval
                """),
            noEffect(
                because: "there is no compaction, no batch queue, no light queue, no filter "
                    + "bitmap",
                """
                compactionMappedFileSize compactionCqMappedFileSize compactionScheduleInternal
                maxOffsetMapSize compactionThreadNum enableCompaction
                mapperFileSizeBatchConsumeQueue mappedFileSizeConsumeQueueExt
                bitMapLengthConsumeQueueExt maxLmqConsumeQueueNum enableLmqStats enableLmqQuota
                expectConsumerNumUseFilter maxErrorRateOfBloomFilter filterDataCleanTimeSpan
                """),
            noEffect(
                because: "nothing is kept in RocksDB",
                """
                cleanRocksDBDirtyCQIntervalMin statRocksDBCQIntervalSec memTableFlushIntervalMs
                realTimePersistRocksDBConfig enableRocksDBLog combineCQLoadingCQTypes
                combineCQPreferCQType combineAssignOffsetCQType combineCQEnableCheckSelf
                combineCQMaxExtraSearchCommitLogFiles
                bottomMostCompressionTypeForConsumeQueueStore rocksdbCompressionType
                rocksdbFlushWalFrequency rocksdbWalFileRollingThreshold
                """),
            noEffect(
                because: "there is no access control",
                """
                authConfigPath authenticationProvider authenticationMetadataProvider
                authenticationStrategy authenticationWhitelist initAuthenticationUser
                innerClientAuthenticationCredentials authorizationProvider
                authorizationMetadataProvider authorizationStrategy authorizationWhitelist
                userCacheMaxNum userCacheExpiredSecond userCacheRefreshSecond aclCacheMaxNum
                aclCacheExpiredSecond aclCacheRefreshSecond statefulAuthenticationCacheMaxNum
                statefulAuthenticationCacheExpiredSecond statefulAuthorizationCacheMaxNum
                statefulAuthorizationCacheExpiredSecond configName clusterName
                """),
            noEffect(
                because: "statistics and metrics are not kept by these",
                """
                accountStatsEnable accountStatsPrintZeroValues commercialBaseCount
                commercialSizePerMsg commercialTimerCount commercialTransCount commercialBigCount
                maxStatsIdleTimeInMinutes enableDetailStat autoDeleteUnusedStats
                metricsOtelCardinalityLimit metricsGrpcExporterTarget metricsGrpcExporterHeader
                metricGrpcExporterTimeOutInMills metricGrpcExporterIntervalInMills
                metricLoggingExporterIntervalInMills metricsPromExporterPort
                metricsPromExporterHost metricsLabel metricsInDelta enableRemotingMetrics
                enableMessageStoreMetrics enablePopMetrics enableConnectionMetrics
                enableTransactionMetrics enableStatsMetrics enableRequestMetrics
                enableLagAndDlqMetrics estimateAccumulation flushConsumerOffsetHistoryInterval
                """),
            noEffect(
                because: "what may be changed from outside is a list of its own",
                """
                configBlackList brokerConfigPath
                """),
            noEffect(
                because: "records choose their version by the topic's length, as with the "
                    + "default",
                """
                autoMessageVersionOnTopicLen
                """),
            noEffect(
                because:
                    "it concerns what is not served here: recalls, broadcasting through a proxy",
                """
                allowRecallWhenBrokerNotWriteable
                enableBroadcastOffsetStore broadcastOffsetExpireSecond
                broadcastOffsetExpireMaxSecond subscriptionExpiredTimeout enableRegisterProducer
                """),
        ].flatMap { $0 }
}
