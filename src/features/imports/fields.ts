import { clientStatuses } from "../clients/schema";
import { taskPriorities, taskStatuses } from "../tasks/schema";

/** The resources that can be imported. */
export type ImportResource = "clients" | "tasks";

/** What a cell has to be to become a field, and by which headers the field is known, as `plain` writes them. */
export interface ImportField {
  type: "text" | "long text" | "choice" | "tags" | "instant" | "user" | "client";
  /** Of a choice. */
  of?: readonly string[];
  isRequired?: true;
  names: string;
  /** Columns that make the field together, where none has it whole. */
  made?: { of: readonly string[]; join: string };
}

/** The fields of a resource that an import can set. */
export type ImportFields = Readonly<Record<string, ImportField>>;

/** The fields of each resource, with the names that address books, spreadsheets and other programs give them. */
export const importFields: Readonly<Record<ImportResource, ImportFields>> = {
  clients: {
    external_id: {
      type: "text",
      names: "externalid externalkey customerid clientid contactid accountid makhachhang",
    },
    name: {
      ...{ type: "text", isRequired: true },
      names:
        "name fullname clientname customername contactname displayname client customer contact hoten hovaten tenkhachhang ten",
      made: {
        of: ["firstname givenname vorname prenom", "lastname familyname surname nachname nom"],
        join: " ",
      },
    },
    email: {
      type: "text",
      names:
        "email emailaddress mail emails email1 email1value primaryemail workemail thudientu diachiemail courriel",
    },
    phone: {
      type: "text",
      names:
        "phone phonenumber telephone tel mobile mobilephone phone1value cell businessphone sodienthoai dienthoai sdt telefon",
    },
    company: {
      type: "text",
      names: "company companyname organization organisation employer business firma congty tencongty societe",
    },
    position: { type: "text", names: "position jobtitle title role job chucvu chucdanh" },
    industry: { type: "text", names: "industry sector branch nganh nganhnghe linhvuc" },
    address: {
      ...{ type: "text", names: "fulladdress mailingaddress diachi adresse" },
      made: {
        of: [
          "address street streetaddress addressline1",
          "city town",
          "state region province",
          "postalcode zip zipcode postcode",
          "country",
        ],
        join: ", ",
      },
    },
    status: { type: "choice", of: clientStatuses, names: "status stage lifecyclestage trangthai" },
    assigned_to: {
      type: "user",
      names: "assignedto owner assignee accountowner contactowner salesrep nguoiphutrach",
    },
    tags: { type: "tags", names: "tags tag labels label groups categories nhan the" },
    notes: { type: "long text", names: "notes note comments comment remarks description ghichu" },
    avatar_url: { type: "text", names: "avatarurl avatar photourl imageurl" },
  },
  tasks: {
    external_id: { type: "text", names: "externalid externalkey taskid issueid key" },
    title: {
      type: "text",
      isRequired: true,
      names: "title name task taskname subject summary tieude tencongviec congviec",
    },
    description: { type: "long text", names: "description details notes note body mota ghichu" },
    status: { type: "choice", of: taskStatuses, names: "status state progress trangthai" },
    priority: {
      type: "choice",
      of: taskPriorities,
      names: "priority importance urgency uutien mucdouutien douutien",
    },
    assigned_to: { type: "user", names: "assignedto assignee owner responsible nguoithuchien nguoiphutrach" },
    client_id: {
      type: "client",
      names: "clientid client customer contact clientemail customeremail khachhang",
    },
    due_date: { type: "instant", names: "duedate due deadline dueat dueon hanchot han" },
    remind_at: { type: "instant", names: "remindat reminder reminderdate nhacnho" },
    recurrence: { type: "text", names: "recurrence rrule repeat recurring" },
  },
};
