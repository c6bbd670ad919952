// The help texts. Lines have at most 80 columns.

/// What `--help` prints.
enum Usage {
    static let overview = """
        mqstore looks into the directory of a message store, of RocketMQ or of Apus.
        It reads only: it takes no lock, and writes nothing, but for a repair that is
        told to. Stop the broker first, or look at a copy; what is written meanwhile may
        show as findings.

          mqstore info DIR      topics, queues, offsets, sizes, times, disk use
          mqstore dump DIR      records, by offset, queue, key and time
          mqstore verify DIR    log, queues, index and checkpoint against each other
          mqstore repair DIR    what can be done about that, and with --apply does it

        DIR is the storePathRootDir of the broker: the directory with commitlog in it.
        mqstore COMMAND --help tells more, with examples.

        Exit codes: 0 all is well, 1 there are findings, 2 it could not look.
        """

    static let commands = ["info": info, "dump": dump, "verify": verify, "repair": repair]

    private static let info = """
        mqstore info DIR [--json] [--fast] [--index-slots N] [--commitlog PATH]

        Tells what is in a store: how it was shut down, the CommitLog's files, each
        topic and queue with its offsets, bytes, disk use and times, and the index.
        Goes through the whole log for that. MAX is the offset of the next message.

          --fast           read only the newest CommitLog file; count messages by
                           queue offsets
          --json           one object, with everything
          --index-slots N  the broker's maxHashSlotNum, when its index files do not
                           have four entries a slot
          --commitlog PATH where the log is, when storePathCommitLog was set

          mqstore info /home/rocketmq/store
          mqstore info /home/rocketmq/store --fast
          mqstore info /home/rocketmq/store --json | jq '.queues[] | .topic'

        Exit codes: 0 told, 2 could not look.
        """

    private static let dump = """
        mqstore dump DIR [FLAGS]

        Prints records in the order of the log. Without flags, all of them.

          --offset N       from the record at or behind physical offset N
          --count N        at most N records
          --queue TOPIC/ID the messages of one queue, by its ConsumeQueue
          --from N         with --queue: from queue offset N
          --topic TOPIC    the messages of one topic
          --key TOPIC#KEY  messages with this key or unique id, by the index; or
                           --topic TOPIC --key KEY
          --since TIME     stored at TIME or later
          --until TIME     stored before TIME
          --scan           with --queue or --key: go through the log instead
          --body FORM      text, hex or none; without it, the body's beginning
          --json           one object a line; with --body also the body
          --index-slots N  the broker's maxHashSlotNum, when its index files do not
                           have four entries a slot
          --commitlog PATH where the log is, when storePathCommitLog was set

        TIME is milliseconds since 1970, or 2026-11-25T10:00:00 in local time, or with
        a Z behind it in UTC.

          mqstore dump store --offset 178563 --count 1 --body text
          mqstore dump store --queue Orders/3 --from 1200 --count 10
          mqstore dump store --key 'Orders#order-17'
          mqstore dump store --topic Orders --since 2026-11-25T10:00:00Z --json

        Exit codes: 0 all was read, 1 damage on the way (told on standard error),
        2 could not look.
        """

    private static let verify = """
        mqstore verify DIR [--json] [--index-slots N] [--commitlog PATH]

        Holds the files of a store against each other and tells each finding in words,
        with what it means for consumers:

          DAMAGE         messages are lost or cannot be read
          INCONSISTENCY  files disagree, no message is lost: queues and index can be
                         made again from the log
          note           to be known, and no fault of the store: what a kill leaves
                         and the next open mends, what retention removed, other files

        A store that was killed (abort is there) may end in a torn record, and its
        queues and index may be behind the log. That is told as notes, since an open
        mends it. What an open would not mend is told as in any other store.

          --require-checksums
                           a record without a __CRC32# property is damaged: for stores
                           where enabledAppendPropCRC was on from the beginning
          --json           one finding a line, and a last line with the summary
          --index-slots N  the broker's maxHashSlotNum, when its index files do not
                           have four entries a slot
          --commitlog PATH where the log is, when storePathCommitLog was set

          mqstore verify /home/rocketmq/store
          mqstore verify /home/rocketmq/store --json > findings.ndjson
          mqstore verify backup && echo sound

        Exit codes:
          0  sound: nothing but notes
          1  findings: at least one DAMAGE or INCONSISTENCY
          2  could not look: no store there, or files that this user may not read
        """

    private static let repair = """
        mqstore repair DIR [--apply] [FLAGS]

        Proposes what to do about the findings of verify. Without --apply it writes
        nothing. With it, it takes the store's lock, which fails while a broker has the
        store open, and does what it proposed:

          extend-segment      a CommitLog file that was cut short gets its length again
          cut-log             the log ends before bytes that are no record
          rebuild-queue       a queue's entries are made again from the log
          rebuild-index       so is the index
          rewrite-checkpoint  checkpoint says no more than what is so
          clear-unfinished    what an interrupted repair left goes

        Whatever is changed is copied to quarantine first. Damage that was on disk for
        sure is never cut away: its messages are refused, those around it are served,
        and what is lost is told. Interrupted, it is to be run again.

          --apply           do it
          --cut-at-damage   in a directory of RocketMQ's, where nothing tells a torn end
                            from damage: end the log before the first damage, although
                            records stand behind it
          --salvage-to NEW  instead: copy every record that can be read, behind damage
                            too, into a new store at NEW. Queue offsets stay, so that
                            what consumers have committed does; physical offsets change
          --salvage-from N  only records at or behind physical offset N
          --json            one step, loss or remaining finding a line, and a summary
          --index-slots N   maxHashSlotNum, when no index file tells it
          --index-entries N maxIndexNum, likewise
          --queue-file-size N mappedFileSizeConsumeQueue in bytes (20 for each entry),
                            when no queue's files tell it
          --commitlog PATH  where the log is, when storePathCommitLog was set

          mqstore repair /home/rocketmq/store
          mqstore repair /home/rocketmq/store --apply
          mqstore repair /home/rocketmq/store --salvage-to /home/rocketmq/salvaged

        Exit codes:
          0  nothing to do, or all done
          1  something is proposed, or remains that cannot be repaired
          2  could not look, or could not carry it out
        """
}
