// Icons, taken one by one.
import {
  IconApi, IconArrowDown, IconBook2, IconBraces, IconBroadcast, IconBucket, IconChartBar, IconChartLine, IconCheck, IconChevronDown, IconChevronRight, IconCircleCheck, IconCircleX, IconColumns3, IconCompass, IconCopy, IconCube,
  IconDatabase, IconDots, IconDownload, IconFileText, IconFilter, IconFolder, IconHexagon, IconHistory, IconHome, IconKey, IconLayoutDashboard, IconLink, IconList, IconMenu2, IconMinus, IconPackage, IconPencil, IconPlug, IconPlus, IconRobot, IconRosetteDiscountCheck,
  IconRoute, IconSchema, IconSearch, IconServer2, IconSettings, IconShare2, IconShieldCheck, IconShieldLock, IconSitemap, IconSortDescending, IconStar, IconTable, IconTag, IconThumbDown, IconThumbUp, IconTrash, IconAlertTriangle, IconUser, IconUsers, IconX,
} from "@tabler/icons-react";
import { kindOf } from "../kinds";

const icons = {
  api: IconApi, inherited: IconArrowDown, book: IconBook2, braces: IconBraces, broadcast: IconBroadcast, bucket: IconBucket, chart: IconChartBar, line: IconChartLine, tick: IconCheck, down: IconChevronDown, right: IconChevronRight, pass: IconCircleCheck, fail: IconCircleX, column: IconColumns3,
  compass: IconCompass, copy: IconCopy, cube: IconCube, database: IconDatabase, dots: IconDots, download: IconDownload, file: IconFileText, filter: IconFilter, folder: IconFolder, hexagon: IconHexagon, history: IconHistory, home: IconHome, key: IconKey, dashboard: IconLayoutDashboard, link: IconLink, list: IconList,
  menu: IconMenu2, minus: IconMinus, package: IconPackage, pencil: IconPencil, plug: IconPlug, plus: IconPlus, robot: IconRobot, rosette: IconRosetteDiscountCheck, route: IconRoute, schema: IconSchema, search: IconSearch, server: IconServer2, settings: IconSettings, share: IconShare2, check: IconShieldCheck,
  policy: IconShieldLock, lineage: IconSitemap, sort: IconSortDescending, star: IconStar, table: IconTable, tag: IconTag, downvote: IconThumbDown, upvote: IconThumbUp, trash: IconTrash, warn: IconAlertTriangle, user: IconUser, users: IconUsers, close: IconX,
};

export type IconName = keyof typeof icons;

/** A picture beside words that say the same. */
export function Icon({ name, small, className = "" }: { name: IconName; small?: boolean; className?: string }) {
  const Picture = icons[name];
  return <Picture className={`i ${small ? "s" : ""} ${className}`} aria-hidden="true" focusable="false" />;
}

/** The icon of an entity type in the colour of its family. */
export function KindIcon({ type }: { type: string | undefined }) {
  const kind = kindOf(type);
  const name = kind.icon in icons ? (kind.icon as IconName) : "file";
  return <Icon name={type === "tableColumn" || type === "column" ? "column" : name} className={`c-${kind.family}`} />;
}
