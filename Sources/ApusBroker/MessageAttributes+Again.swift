// What a message is appended with that is in the log already, and goes to another queue.

import ApusFormat
import ApusStore

extension MessageAttributes {
    /// As its record has it.
    init(again fields: RecordFields) {
        self.init(
            flag: fields.flag, systemFlag: fields.systemFlag, bornTimestamp: fields.bornTimestamp,
            bornHost: fields.bornHost, reconsumeTimes: fields.reconsumeTimes)
    }
}
